/* renewer.conf as it was read: each section with its values and their lines. */
#include "settings_reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inifile.h"
#include "log.h"
#include "memory.h"
#include "secretfile.h"

#define FILE_LIMIT (16UL << 20)

#define NAME_CHARACTERS                                                        \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

void reading_fault(struct reading *reading, int line, const char *format, ...)
{
    char what[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (line)
        log_line("%s:%d: %s", reading->path, line, what);
    else
        log_line("%s: %s", reading->path, what);
    reading->faults++;
}

static void tell_fault(void *context, int line, const char *what)
{
    reading_fault(context, line, "%s", what);
}

static void section_free(struct section *section)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        memory_wipe(section->texts[i]); /* a database's may hold a password */
    *section = (struct section){0};
}

/* Keys that come now are checked for themselves and not used. */
static void use_stray(struct reading *reading, unsigned place)
{
    section_free(&reading->stray);
    reading->stray.place = place;
    reading->current = &reading->stray;
}

static void begin_callhook(struct reading *reading, int line)
{
    struct section *callhook = &reading->callhook;

    if (callhook->line) {
        reading_fault(reading, line, "[callhook] is there already, in line %d",
                      callhook->line);
        use_stray(reading, IN_CALLHOOK);
        return;
    }
    callhook->line = line;
    reading->current = callhook;
}

static struct section *add_tenant(struct reading *reading)
{
    size_t n = ++reading->tenant_count;

    /* Doubled at each power of two. */
    if ((n & (n - 1)) == 0)
        reading->tenants =
            memory_resize(reading->tenants, 2 * n * sizeof(*reading->tenants));
    reading->tenants[n - 1] = (struct section){.place = IN_TENANT};
    return &reading->tenants[n - 1];
}

static void begin_tenant(struct reading *reading, int line, const char *name)
{
    size_t length = strlen(name);

    reading->tenant = true;
    if (length < 1 || length > TENANT_NAME_MAX ||
        name[strspn(name, NAME_CHARACTERS)]) {
        reading_fault(reading, line,
                      "the name of a tenant has 1 to %d of "
                      "A-Z a-z 0-9 . _ -",
                      TENANT_NAME_MAX);
        use_stray(reading, IN_TENANT);
        return;
    }
    for (size_t i = 0; i < reading->tenant_count; i++)
        if (strcmp(reading->tenants[i].name, name) == 0) {
            reading_fault(reading, line,
                          "[tenant %s] is there already, in line %d", name,
                          reading->tenants[i].line);
            use_stray(reading, IN_TENANT);
            return;
        }
    reading->current = add_tenant(reading);
    reading->current->line = line;
    memcpy(reading->current->name, name, length);
}

static void take_section(void *context, int line, const char *title)
{
    struct reading *reading = context;

    reading->begun = true;
    reading->current = NULL;
    if (!title)
        return;
    size_t word = strcspn(title, " \t");
    const char *name = title + word + strspn(title + word, " \t");
    if (strcmp(title, "callhook") == 0)
        begin_callhook(reading, line);
    else if (word == 6 && memcmp(title, "tenant", word) == 0)
        begin_tenant(reading, line, name);
    else
        reading_fault(reading, line,
                      "unknown section [%.40s]; there are [callhook] and "
                      "[tenant NAME]",
                      title);
}

/* What cannot be a key's name is not repeated: it may be a secret's part. */
static void tell_unknown(struct reading *reading, int line, const char *name)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
                                     "pqrstuvwxyz0123456789_";
    size_t length = strlen(name);

    if (length && length <= 32 && !name[strspn(name, characters)])
        reading_fault(reading, line, "unknown key \"%s\"", name);
    else
        reading_fault(reading, line, "unknown key");
}

/* Whether this key may stand here, for the first time. */
static bool key_fits(struct reading *reading, int line, const char *name,
                     enum key_id id)
{
    const struct section *section = reading->current;

    if (id == KEY_COUNT)
        tell_unknown(reading, line, name);
    else if (!(keys[id].places & section->place))
        reading_fault(reading, line, "%s belongs in %s", name,
                      section->place == IN_TENANT ? "[callhook]"
                                                  : "[tenant NAME]");
    else if (section->lines[id])
        reading_fault(reading, line, "%s is there already, in line %d", name,
                      section->lines[id]);
    else
        return true;
    return false;
}

static void take_key(void *context, int line, const char *name,
                     const char *value)
{
    struct reading *reading = context;
    struct section *section = reading->current;
    enum key_id id = key_find(name);
    char why[256];

    if (!reading->begun)
        reading_fault(reading, line, "a key before the first section");
    if (!section || !key_fits(reading, line, name, id))
        return;
    section->lines[id] = line;
    section->texts[id] = keys[id].read(&keys[id], value, why, sizeof(why));
    if (!section->texts[id])
        reading_fault(reading, line, "%s: %s", name, why);
}

void reading_begin(struct reading *reading, const char *path)
{
    const struct inifile_events events = {
        .context = reading,
        .section = take_section,
        .key = take_key,
        .fault = tell_fault,
    };
    char why[256];
    size_t length;

    *reading = (struct reading){.path = path};
    reading->callhook.place = IN_CALLHOOK;
    char *bytes = publicfile_read(path, FILE_LIMIT, &length, why, sizeof(why));
    if (!bytes) {
        reading_fault(reading, 0, "%s", why);
        return;
    }
    inifile_read(bytes, length, &events);
    explicit_bzero(bytes, length); /* the database's password may be there */
    free(bytes);
    if (!reading->tenant)
        reading_fault(reading, 0, "there is no [tenant NAME]");
}

void reading_end(struct reading *reading)
{
    section_free(&reading->callhook);
    section_free(&reading->stray);
    for (size_t i = 0; i < reading->tenant_count; i++)
        section_free(&reading->tenants[i]);
    free(reading->tenants);
    *reading = (struct reading){0};
}

const struct section *reading_source(const struct reading *reading,
                                     const struct section *tenant,
                                     enum key_id id)
{
    if (tenant->lines[id])
        return tenant;
    return reading->callhook.lines[id] ? &reading->callhook : NULL;
}

const char *reading_text(const struct reading *reading,
                         const struct section *tenant, enum key_id id)
{
    const struct section *source = reading_source(reading, tenant, id);

    return source && source->texts[id] ? source->texts[id] : keys[id].preset;
}
