/* callhook: receives Microsoft Graph's notifications of Teams calls. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/settings.h"
#include "receiver/check.h"
#include "receiver/drain.h"
#include "store/database.h"
#include "web/cgi.h"
#include "web/fastcgi.h"

static const char usage[] = "usage: callhook            (under a web server, "
                            "by FastCGI or CGI)\n"
                            "       callhook --drain [FILE]\n"
                            "       callhook --check\n"
                            "       callhook --version | --help\n";

enum command { SERVE, DRAIN, CHECK, VERSION, HELP, WRONG };

static enum command read_command(int argc, char **argv, const char **file)
{
    static const struct option options[] = {
        {"drain", no_argument, NULL, DRAIN},
        {"check", no_argument, NULL, CHECK},
        {"version", no_argument, NULL, VERSION},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    enum command command = SERVE;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        command = option == '?' ? WRONG : (enum command)option;
    if (command == DRAIN && optind == argc - 1)
        *file = argv[optind++];
    return optind < argc ? WRONG : command;
}

static int serve(const struct settings *settings)
{
    if (fastcgi_is_offered())
        return fastcgi_serve(settings);
    if (cgi_is_offered())
        return cgi_serve(settings);
    fputs(usage, stderr);
    return EX_USAGE;
}

static int start(enum command command, const char *file)
{
    struct settings settings;
    int status;

    if (!limits_prepare())
        return EX_CONFIG;
    database_prepare();
    if (!settings_read(&settings))
        status = EX_CONFIG;
    else if (command == DRAIN)
        status = drain_command(&settings, file);
    else if (command == CHECK)
        status = check_command(&settings);
    else
        status = serve(&settings);
    settings_free(&settings);
    return status;
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    enum command command = SERVE;
    int status = EX_OK;

    limits_fill_streams();
    /* A CGI program's arguments may come from the query (RFC 3875, 4.4). */
    if (!cgi_is_offered())
        command = read_command(argc, argv, &file);
    switch (command) {
    case VERSION:
        puts("callhook " CALLHOOK_VERSION);
        break;
    case HELP:
        fputs(usage, stdout);
        break;
    case WRONG:
        fputs(usage, stderr);
        return EX_USAGE;
    case SERVE:
    case DRAIN:
    case CHECK:
        status = start(command, file);
        break;
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        status = EX_IOERR;
    return status;
}
