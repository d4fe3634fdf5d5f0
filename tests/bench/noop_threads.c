/*
 * The usual FastCGI program that does nothing: 16 threads, each accepts a
 * request, reads its body and answers 202. What it reaches is the yardstick
 * of a web server and libfcgi without any work of ours.
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <sysexits.h>

#define THREADS 16

static void *serve(void *context)
{
    FCGX_Request request;
    char body[16384];

    FCGX_InitRequest(&request, 0, 0);
    while (FCGX_Accept_r(&request) == 0) {
        while (FCGX_GetStr(body, sizeof(body), request.in) > 0)
            ;
        FCGX_PutS("Status: 202 Accepted\r\n\r\n", request.out);
        FCGX_Finish_r(&request);
    }
    return context;
}

int main(void)
{
    pthread_t threads[THREADS];

    if (FCGX_Init())
        return EX_OSERR;
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, serve, NULL)) {
            fputs("no thread\n", stderr);
            return EX_OSERR;
        }
    }
    fputs("ready\n", stderr);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return EX_OK;
}
