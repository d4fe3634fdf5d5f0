/* The forms that each run writes into the files of the settings. */
#include "status/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "base/report.h"
#include "base/state_dir.h"
#include "status/metrics.h"
#include "status/page.h"
#include "status/state.h"

#define LOCK_MS 3000 /* they are written in less */

typedef void form_function(FILE *stream, const struct state *state);

/* An empty path: none is wanted. */
static bool write_form(const struct settings *settings, const char *path,
                       form_function *print, const struct state *state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = *path ? open_memstream(&text, &length) : NULL;
    bool written = !*path;

    if (stream) {
        print(stream, state);
        written =
            fclose(stream) == 0 && private_file_publish(path, text, length);
    }
    if (!written) {
        char *line = memory_print("%s cannot be written: %s: this user must be "
                                  "able to write to its folder",
                                  path, strerrordesc_np(errno));

        report_line(settings->state_dir, REPORT_FILES, line);
        free(line);
    }
    free(text);
    return written;
}

static bool write_all(const struct settings *settings)
{
    struct state state;
    bool written;

    state_load(&state, settings, LAST_RECENT, *settings->status_page);
    written =
        write_form(settings, settings->metrics_file, metrics_print, &state);
    written &= write_form(settings, settings->status_page, page_print, &state);
    if (written)
        report_end(settings->state_dir, REPORT_FILES, 0);
    state_free(&state);
    return written;
}

/*
 * Two runs at once would rename or remove each other's half of a file. One
 * that is held up for long leaves them to the other; without a folder for the
 * lock they are written all the same.
 */
bool files_write(const struct settings *settings)
{
    const char *folder = settings->state_dir;
    bool written = true, held;
    int lock;

    if (!*settings->status_page && !*settings->metrics_file) {
        report_end(folder, REPORT_FILES, 0);
        return true;
    }
    lock = state_dir_lock(folder, REPORT_FILES, clock_ms() + LOCK_MS, &held);
    if (!held)
        written = write_all(settings);
    if (lock >= 0)
        close(lock);
    return written;
}
