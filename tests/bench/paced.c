/*
 * Sends notifications at a steady rate, whether they are answered or not: an
 * answer's time counts from when its request was due, so that a stall shows
 * in all the requests that it held up.
 *
 *   paced PORT PATH CONNECTIONS RATE SECONDS <bodies, one a line
 *
 * Prints one line of JSON, in the words of load.lua.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64
#define READY_MAX 4096
#define ANSWER_BYTES 4096
#define GRACE_NS INT64_C(5000000000)
#define SECOND_NS INT64_C(1000000000)

struct line {
    int fd;
    bool busy;
    int64_t due;
    size_t length;
    char answer[ANSWER_BYTES + 1];
};

struct load {
    int poll;
    struct line *lines;
    size_t lines_count;
    size_t busy;
    char *requests[READY_MAX];
    size_t ready;
    uint32_t *times_us;
    size_t times;
    size_t sent;
    size_t refused;
};

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND_NS + time.tv_nsec;
}

static void give_up(const char *what)
{
    fprintf(stderr, "paced: %s: %s\n", what, strerror(errno));
    exit(EX_SOFTWARE);
}

static void read_bodies(struct load *load, const char *path)
{
    char *body = NULL;
    size_t room = 0;
    ssize_t n;

    while (load->ready < READY_MAX && (n = getline(&body, &room, stdin)) > 1) {
        if (asprintf(&load->requests[load->ready++],
                     "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Type: application/json\r\n"
                     "Content-Length: %zd\r\n\r\n%.*s",
                     path, n - 1, (int)(n - 1), body) < 0)
            give_up("memory");
    }
    free(body);
    if (load->ready == 0)
        give_up("no bodies");
}

static void open_lines(struct load *load, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;

    for (size_t i = 0; i < load->lines_count; i++) {
        struct line *line = &load->lines[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};
        line->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(line->fd, (struct sockaddr *)&address, sizeof(address)) ||
            setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
            epoll_ctl(load->poll, EPOLL_CTL_ADD, line->fd, &event))
            give_up("connect");
    }
}

static struct line *free_line(struct load *load)
{
    if (load->busy == load->lines_count)
        return NULL;
    for (size_t i = 0;; i++)
        if (!load->lines[i].busy)
            return &load->lines[i];
}

static void post(struct load *load, struct line *line, int64_t due)
{
    const char *request = load->requests[load->sent++ % load->ready];
    ssize_t length = (ssize_t)strlen(request);

    if (send(line->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        give_up("send");
    line->due = due;
    line->busy = true;
    line->length = 0;
    load->busy++;
}

/* An empty body, whichever way the web server says so. */
static bool is_whole(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    const char *length = strcasestr(answer, "\r\nContent-Length:");

    if (!end)
        return false;
    if (length && length < end)
        return strlen(end + 4) >= strtoul(length + 17, NULL, 10);
    return strstr(end, "\r\n0\r\n\r\n") != NULL;
}

static void take_answer(struct load *load, struct line *line)
{
    ssize_t n = recv(line->fd, line->answer + line->length,
                     ANSWER_BYTES - line->length, 0);

    if (n <= 0)
        give_up("the web server closed");
    line->length += (size_t)n;
    line->answer[line->length] = '\0';
    if (!is_whole(line->answer))
        return;
    if (strncmp(line->answer, "HTTP/1.1 202", 12) != 0)
        load->refused++;
    load->times_us[load->times++] = (uint32_t)((now_ns() - line->due) / 1000);
    line->busy = false;
    load->busy--;
}

/* Waits for answers until a moment. */
static void wait_for_answers(struct load *load, int64_t until)
{
    struct epoll_event events[EVENTS];
    int64_t rest = until - now_ns();
    struct timespec time = {.tv_sec = rest > 0 ? rest / SECOND_NS : 0,
                            .tv_nsec = rest > 0 ? rest % SECOND_NS : 0};
    int n = epoll_pwait2(load->poll, events, EVENTS, &time, NULL);

    for (int i = 0; i < n; i++)
        take_answer(load, events[i].data.ptr);
}

/* How many were due within the time. */
static size_t run(struct load *load, double rate, double seconds)
{
    int64_t begin = now_ns();
    size_t total = (size_t)(rate * seconds);
    size_t next = 0;

    while (next < total) {
        int64_t due = begin + (int64_t)((double)next * 1e9 / rate);
        struct line *line = free_line(load);
        if (line && due <= now_ns()) {
            post(load, line, due);
            next++;
        } else {
            wait_for_answers(load, line ? due : now_ns() + SECOND_NS);
        }
        if (now_ns() > begin + (int64_t)(seconds * 1e9) + GRACE_NS)
            break;
    }
    int64_t end = now_ns() + GRACE_NS;
    while (load->busy && now_ns() < end)
        wait_for_answers(load, end);
    return total;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double share_ms(const struct load *load, double share)
{
    size_t index = (size_t)(share * (double)load->times);

    if (load->times == 0)
        return 0;
    if (index >= load->times)
        index = load->times - 1;
    return load->times_us[index] / 1e3;
}

int main(int argc, char **argv)
{
    struct load load = {.poll = epoll_create1(0)};

    if (argc != 6)
        return EX_USAGE;
    double rate = strtod(argv[4], NULL), seconds = strtod(argv[5], NULL);
    read_bodies(&load, argv[2]);
    load.lines_count = strtoul(argv[3], NULL, 10);
    load.lines = calloc(load.lines_count, sizeof(*load.lines));
    load.times_us = calloc((size_t)(rate * seconds) + 1, sizeof(uint32_t));
    if (!load.lines || !load.times_us)
        give_up("memory");
    open_lines(&load, (uint16_t)strtoul(argv[1], NULL, 10));
    int64_t begin = now_ns();
    size_t total = run(&load, rate, seconds);
    double took = (double)(now_ns() - begin) / 1e9;
    qsort(load.times_us, load.times, sizeof(uint32_t), by_size);
    printf("{\"requests\": %zu, \"seconds\": %.6f, \"refused\": %zu, "
           "\"broken\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"p99.9\": %.3f, "
           "\"max\": %.3f}\n",
           load.times, took, load.refused, total - load.times,
           share_ms(&load, 0.5), share_ms(&load, 0.99), share_ms(&load, 0.999),
           share_ms(&load, 1));
    return EX_OK;
}
