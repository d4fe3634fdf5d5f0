/*
 * The best FastCGI program that does nothing which libfcgi allows: one
 * thread and an event loop. A request is read when its first bytes are there
 * and answered at once; FCGX_Detach turns libfcgi's lingering close into a
 * plain one.
 */
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define LISTENER 0
#define EVENTS 64

static void serve(FCGX_Request *request, int fd)
{
    char body[16384];

    FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    /* With no socket to listen on it takes what is in ipcFd. */
    request->ipcFd = fd;
    request->keepConnection = 1;
    if (FCGX_Accept_r(request) < 0)
        return;
    while (FCGX_GetStr(body, sizeof(body), request->in) > 0)
        ;
    FCGX_PutS("Status: 202 Accepted\r\n\r\n", request->out);
    FCGX_Detach(request);
    FCGX_Finish_r(request);
    if (request->ipcFd >= 0)
        FCGX_Free(request, 1);
}

/* Serves a connection whose request is there; another waits for it. */
static void attend(int poll, FCGX_Request *request, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT,
                                .data.fd = fd};
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n > 0)
        serve(request, fd);
    else if (n == 0 || errno != EAGAIN ||
             epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
        close(fd);
}

int main(void)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS] = {
        {.events = EPOLLIN, .data.fd = LISTENER}};
    FCGX_Request request;

    if (FCGX_Init() || fcntl(LISTENER, F_SETFL, O_NONBLOCK) ||
        epoll_ctl(poll, EPOLL_CTL_ADD, LISTENER, events))
        return EX_OSERR;
    fputs("ready\n", stderr);
    for (;;) {
        int n = epoll_wait(poll, events, EVENTS, -1);
        if (n < 0)
            return EX_OK;
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd != LISTENER) {
                epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL);
                attend(poll, &request, fd);
                continue;
            }
            while ((fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC)) >= 0)
                attend(poll, &request, fd);
        }
    }
}
