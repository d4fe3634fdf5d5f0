/* One HTTP request, and then its answer. */
#include "http/transfer.h"

#include <stdlib.h>
#include <string.h>

void transfer_free(struct transfer *transfer)
{
    if (transfer->answer)
        explicit_bzero(transfer->answer, transfer->answer_length);
    free(transfer->answer);
    transfer->answer = NULL;
    transfer->answer_length = 0;
}
