/* The forms that each run writes into the files of the settings. */
#include "status/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/private_file.h"
#include "base/report.h"
#include "status/metrics.h"
#include "status/page.h"
#include "status/state.h"

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
        char *line = memory_print("%s cannot be written: %s", path,
                                  strerrordesc_np(errno));

        report_line(settings->state_dir, REPORT_FILES, line);
        free(line);
    }
    free(text);
    return written;
}

bool files_write(const struct settings *settings)
{
    struct state state;
    bool written;

    if (!*settings->status_page && !*settings->metrics_file) {
        report_end(settings->state_dir, REPORT_FILES, 0);
        return true;
    }
    state_load(&state, settings, LAST_RECENT, *settings->status_page);
    written =
        write_form(settings, settings->metrics_file, metrics_print, &state);
    written &= write_form(settings, settings->status_page, page_print, &state);
    if (written)
        report_end(settings->state_dir, REPORT_FILES, 0);
    state_free(&state);
    return written;
}
