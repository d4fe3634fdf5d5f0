/* callhook-renewer: keeps tokens and subscriptions alive, for cron. */
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/state_dir.h"
#include "commands/commands.h"
#include "settings/settings_reader.h"
#include "status/plugin.h"

#define SETTINGS_FILE "/etc/callhook/renewer.conf"

/* What follows a command: at least, and at most so many words. Of those that
 * need one or more the first is a tenant's name. */
static const struct command {
    const char *name;
    command_function *function;
    int least;
    int most;
    const char *usage;
} commands[] = {
    {"run", run_command, 0, 0, "run"},
    {"status", status_command, 0, 1,
     "status [--json | --plugin | --metrics | --html]"},
    {"check", check_command, 0, 0, "check"},
    {"subscriptions", subscriptions_command, 0, 0, "subscriptions"},
    {"unsubscribe", unsubscribe_command, 1, 2,
     "unsubscribe TENANT [SUBSCRIPTION-ID]"},
    {"token", token_command, 1, 1, "token TENANT"},
    {"fetch", fetch_command, 2, 1000, "fetch TENANT CALL-ID..."},
    {"reconcile", reconcile_command, 0, 6,
     "reconcile [TENANT] [--since WHEN] [--until WHEN] [--reread]"},
    {"load", load_command, 0, 3, "load KIND TENANT FILE"},
    {"simulate", simulate_command, 1, 1, "simulate TENANT"},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_usage(FILE *stream)
{
    fputs("usage: callhook-renewer [-c FILE] [-n] [-v] [COMMAND]\n", stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "       callhook-renewer %s\n", commands[i].usage);
    fputs("       callhook-renewer --version | --help\n"
          "  -c FILE  settings, " SETTINGS_FILE " by default\n"
          "  -n       check the settings, change nothing\n"
          "  -v       tell what is done\n",
          stream);
}

static _Noreturn void wrong_usage(void)
{
    print_usage(stderr);
    exit(EX_USAGE);
}

struct options {
    const char *file;
    bool check_only;
};

/* What was asked for must have been written, too. */
static int end_output(int status)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? status : EX_IOERR;
}

static void read_options(struct options *options, int argc, char **argv)
{
    static const struct option longer[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "+c:nv", longer, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->file = optarg;
            break;
        case 'n':
            options->check_only = true;
            break;
        case 'v':
            log_verbose = true;
            break;
        case 'h':
            print_usage(stdout);
            exit(end_output(EX_OK));
        case 'V':
            puts("callhook-renewer " CALLHOOK_VERSION);
            exit(end_output(EX_OK));
        default:
            wrong_usage();
        }
    }
}

static const struct command *find_command(const char *name,
                                          const struct words *words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (words->count >= commands[i].least &&
            words->count <= commands[i].most)
            return &commands[i];
        fprintf(stderr, "usage: callhook-renewer %s\n", commands[i].usage);
        exit(EX_USAGE);
    }
    log_line("there is no command \"%.80s\"", name);
    wrong_usage();
}

static int say_fine(const struct settings *settings)
{
    printf("the settings are fine, tenants:\n");
    for (size_t i = 0; i < settings->tenant_count; i++) {
        const struct tenant *tenant = &settings->tenants[i];

        /* A second secret may be in its query. */
        printf("  %s: %.*s, %s of %s, proxy %s\n", tenant->name,
               (int)strcspn(tenant->notification_url, "?"),
               tenant->notification_url, tenant->change_type, tenant->resource,
               *tenant->proxy ? tenant->proxy : "none");
    }
    return EX_OK;
}

static int start(const struct settings *settings, const struct command *command,
                 const struct words *words)
{
    if (command->least == 0 || settings_tenant_or_log(settings, words->all[0]))
        return command->function(settings, words);
    return EX_USAGE;
}

/* Its files are another user's, and root's would be of no use to cron. */
static bool advise_user(const char *file)
{
    struct stat status;
    const struct passwd *user;

    if (stat(file, &status) != 0 || status.st_uid == 0 ||
        status.st_uid == geteuid())
        return false;
    user = getpwuid(status.st_uid);
    if (user)
        log_line("run it as the user that the settings belong to: "
                 "%s %s%s callhook-renewer",
                 geteuid() ? "sudo -u" : "runuser -u", user->pw_name,
                 geteuid() ? "" : " --");
    return user;
}

static int execute(const struct options *options, const struct command *command,
                   const struct words *words)
{
    static const char bad[] = "the settings are at fault: callhook-renewer -n "
                              "says where";
    static const char no_state_dir[] = "state_dir cannot be used: "
                                       "callhook-renewer status says why";
    struct settings settings;
    bool sound = settings_reader_read(&settings, options->file) == 0;
    int status = EX_CONFIG;

    if (sound && options->check_only)
        status = say_fine(&settings);
    else if (sound && state_dir_check(settings.state_dir))
        status = start(&settings, command, words);
    if (status == EX_CONFIG && !advise_user(options->file) &&
        settings.state_dir)
        advise_user(settings.state_dir);
    settings_reader_free(&settings);
    if (status == EX_CONFIG && command->function == status_command &&
        status_is_plugin(words))
        status = (int)plugin_print_unknown(stdout, sound ? no_state_dir : bad);
    return status;
}

/*
 * Nothing else may get the number of a standard stream that is closed: messages
 * would go into a file or to the database. Writing to it fails, as before.
 */
static void fill_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Secrets go through this process: no files, dumps or key logs of others. */
static void seal(void)
{
    umask(077);
    prctl(PR_SET_DUMPABLE, 0);
    unsetenv("SSLKEYLOGFILE");
    signal(SIGPIPE, SIG_IGN);
}

/*
 * Pages of many megabytes come and go. By itself malloc would come to keep them
 * once they are freed, in each thread.
 */
static void limit_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_ARENA_MAX, 2);
}

int main(int argc, char **argv)
{
    struct options options = {.file = SETTINGS_FILE};
    struct words words;
    const struct command *command;

    fill_streams();
    seal();
    limit_memory();
    read_options(&options, argc, argv);
    words = (struct words){argc - optind - 1, argv + optind + 1};
    if (words.count < 0)
        words.count = 0;
    command = find_command(optind < argc ? argv[optind] : "run", &words);
    return end_output(execute(&options, command, &words));
}
