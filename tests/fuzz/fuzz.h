/* What the fuzz targets share. */
#ifndef CALLHOOK_FUZZ_H
#define CALLHOOK_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "notification/item.h"

/* libFuzzer calls these: once, and with one input after the other. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What holds for every input; libFuzzer keeps the one that breaks it. */
#define REQUIRE(condition)                                                     \
    ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* Requires of the rows of a list what the database expects of them. */
void fuzz_check_rows(const struct item_list *list);

#endif
