/* /etc/callhook/renewer.conf, read line by line and then put together. */
#include "settings/settings.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "settings/settings_keys.h"

#define FILE_LIMIT (16UL << 20)

/* libinih cuts a line that is longer, without a word. */
#define LINE_LIMIT 198
_Static_assert(LINE_LIMIT == INI_MAX_LINE - 2, "for a newline and a NUL");

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

void settings_fault(struct reading *reading, int line, const char *format, ...)
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

/* -- sections ---------------------------------------------------------- */

static void *base_of(struct section *section, const struct key *key)
{
    return key->places == IN_CALLHOOK ? (void *)&section->general
                                      : (void *)&section->tenant;
}

static void set_presets(struct section *section)
{
    char why[WHY_SIZE];

    for (const struct key *key = keys; key < keys + KEY_COUNT; key++) {
        char **text = settings_keys_text(key, base_of(section, key));

        if (!(key->places & section->place))
            continue;
        if (text)
            *text = memory_copy(key->preset);
        else
            settings_keys_read(key, base_of(section, key), key->preset, why);
    }
}

/* Those in a struct settings, or in a struct tenant. */
static void free_texts(void *base, bool general)
{
    for (const struct key *key = keys; key < keys + KEY_COUNT; key++) {
        char **text = settings_keys_text(key, base);

        if (text && (key->places == IN_CALLHOOK) == general)
            memory_wipe(*text); /* a database's may hold a password */
    }
}

static void section_free(struct section *section)
{
    free_texts(&section->general, true);
    free_texts(&section->tenant, false);
}

static struct section *add_section(struct reading *reading, unsigned place)
{
    size_t n = ++reading->count;

    /* Doubled at each power of two. */
    if ((n & (n - 1)) == 0)
        reading->sections =
            memory_resize(reading->sections, 2 * n * sizeof(struct section));
    struct section *section = &reading->sections[n - 1];
    *section = (struct section){.place = place};
    set_presets(section);
    return section;
}

/* The name of [callhook] is "". NULL: there is none yet. */
static struct section *find_section(const struct reading *reading,
                                    unsigned place, const char *name)
{
    for (size_t i = 0; i < reading->count; i++)
        if (reading->sections[i].place == place &&
            strcmp(reading->sections[i].tenant.name, name) == 0)
            return &reading->sections[i];
    return NULL;
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= TENANT_NAME_MAX &&
           !name[strspn(name, LETTERS DIGITS "._-")];
}

static void begin_section(struct reading *reading, unsigned place,
                          const char *name)
{
    struct section *section = find_section(reading, place, name);
    bool bad = place == IN_TENANT && !is_name(name);
    bool again = !bad && section && section->line;

    if (bad)
        settings_fault(reading, reading->line,
                       "the name of a tenant has 1 to %d of "
                       "A-Z a-z 0-9 . _ -",
                       TENANT_NAME_MAX);
    if (again)
        settings_fault(
            reading, reading->line, "[%s%s] is there already, in line %d",
            place == IN_TENANT ? "tenant " : "callhook", name, section->line);
    if (!section || bad || again)
        section = add_section(reading, place);
    section->line = reading->line;
    section->stray = bad || again;
    if (!section->stray)
        memcpy(section->tenant.name, name, strlen(name));
    reading->current = section;
    reading->tenant |= place == IN_TENANT;
}

static void read_title(struct reading *reading, const char *title)
{
    size_t word = strcspn(title, " \t");

    if (strcmp(title, "callhook") == 0)
        begin_section(reading, IN_CALLHOOK, "");
    else if (word == 6 && memcmp(title, "tenant", word) == 0)
        begin_section(reading, IN_TENANT,
                      title + word + strspn(title + word, " \t"));
    else
        settings_fault(reading, reading->line,
                       "unknown section [%.40s]; there are [callhook] and "
                       "[tenant NAME]",
                       title);
}

/* "[title]", with nothing but a comment behind it. */
static void read_header(struct reading *reading, char *line)
{
    char *title = line + 1 + strspn(line + 1, " \t");
    char *end = strchr(line, ']');
    size_t blank = end ? strspn(end + 1, " \t") : 0;

    if (!end) {
        settings_fault(reading, reading->line,
                       "a section header without its ]");
    } else if (end[1] && (!blank || end[1 + blank] != ';')) {
        settings_fault(reading, reading->line,
                       "text behind the ] of a section header");
    } else {
        while (end > title && strchr(" \t", end[-1]))
            end--;
        *end = '\0';
        read_title(reading, title);
    }
}

/* -- keys -------------------------------------------------------------- */

static enum key_id find_key(const char *name)
{
    enum key_id id = 0;

    while (id < KEY_COUNT && strcmp(keys[id].name, name) != 0)
        id++;
    return id;
}

/* What cannot be a key's name is not repeated: it may be a secret's part. */
static void tell_unknown(struct reading *reading, const char *name)
{
    size_t length = strlen(name);

    if (length && length <= 32 && !name[strspn(name, LETTERS DIGITS "_")])
        settings_fault(reading, reading->line, "unknown key \"%s\"", name);
    else
        settings_fault(reading, reading->line, "unknown key");
}

/* Whether this key may stand here, for the first time. */
static bool key_fits(struct reading *reading, const char *name, enum key_id id)
{
    const struct section *section = reading->current;

    if (id == KEY_COUNT)
        tell_unknown(reading, name);
    else if (!(keys[id].places & section->place))
        settings_fault(reading, reading->line, "%s belongs in %s", name,
                       section->place == IN_TENANT ? "[callhook]"
                                                   : "[tenant NAME]");
    else if (section->lines[id])
        settings_fault(reading, reading->line,
                       "%s is there already, in line %d", name,
                       section->lines[id]);
    else
        return true;
    return false;
}

static void take_key(struct reading *reading, const char *name,
                     const char *value)
{
    struct section *section = reading->current;
    enum key_id id = find_key(name);
    char why[WHY_SIZE];

    if (!reading->begun)
        settings_fault(reading, reading->line,
                       "a key before the first section");
    if (!section || !key_fits(reading, name, id))
        return;
    section->lines[id] = reading->line;
    section->faulty[id] =
        !settings_keys_read(&keys[id], base_of(section, &keys[id]), value, why);
    if (section->faulty[id])
        settings_fault(reading, reading->line, "%s: %s", name, why);
}

/* -- lines ------------------------------------------------------------- */

/* Whether it begins with a byte order mark. */
static bool has_mark(const char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) == 0;
}

/* What is wrong with a line as such, or NULL. */
static const char *line_fault(const char *line, size_t length, bool blank)
{
    if (memchr(line, '\0', length))
        return "a NUL byte in the line";
    for (size_t i = 0; i < length; i++)
        if (iscntrl((unsigned char)line[i]) && line[i] != '\t')
            return "a control character in the line";
    if (blank)
        return NULL;
    if (length > LINE_LIMIT)
        return "the line is longer than 198 bytes";
    if (isspace((unsigned char)*line))
        return "the line is indented; a value has one line only";
    return NULL;
}

/* What libinih has found in a line. */
struct found {
    struct reading *reading;
    const char *line;
    bool key;
};

static int found_key(void *context, const char *section, const char *name,
                     const char *value)
{
    struct found *found = context;

    (void)section; /* each line is given to libinih by itself */
    found->key = true;
    /* It passes over a byte order mark, which is no part of a name of ours. */
    take_key(found->reading, has_mark(found->line) ? "" : name, value);
    return 1;
}

static void read_key(struct reading *reading, const char *line)
{
    struct found found = {.reading = reading, .line = line};

    if (ini_parse_string(line, found_key, &found) == -2)
        die(EX_OSERR, "out of memory");
    if (!found.key)
        settings_fault(reading, reading->line,
                       "the line is no section, no comment and no key = value");
}

/*
 * libinih splits "key = value ; comment". By itself it would cut long lines,
 * tell no line number, take an indented line for one more value and say nothing
 * of a section without keys. `line` ends with a NUL.
 */
static void read_line(struct reading *reading, char *line, size_t length)
{
    size_t indent = 0;

    while (indent < length && isspace((unsigned char)line[indent]))
        indent++;
    bool blank = indent == length || strchr(";#", line[indent]);
    bool header = !blank && line[indent] == '[';
    const char *fault = line_fault(line, length, blank);

    if (header) {
        reading->begun = true;
        reading->current = NULL;
    }
    if (fault)
        settings_fault(reading, reading->line, "%s", fault);
    else if (header)
        read_header(reading, line);
    else if (!blank)
        read_key(reading, line);
}

/* Lines without their ends and the white space before those. */
static void read_lines(struct reading *reading, char *bytes, size_t length)
{
    char *limit = bytes + length;
    char *line = bytes, *next;

    if (has_mark(bytes))
        line += 3;
    for (; line < limit; line = next) {
        char *end = memchr(line, '\n', (size_t)(limit - line));

        if (!end)
            end = limit;
        next = end + 1;
        reading->line++;
        while (end > line && end[-1] && strchr(" \t\r", end[-1]))
            end--;
        *end = '\0';
        read_line(reading, line, (size_t)(end - line));
    }
}

static void read_file(struct reading *reading)
{
    char why[WHY_SIZE];
    size_t length;
    char *bytes = private_file_read_public(reading->path, FILE_LIMIT, &length,
                                           why, sizeof(why));

    if (!bytes) {
        settings_fault(reading, 0, "%s", why);
        return;
    }
    read_lines(reading, bytes, length);
    explicit_bzero(bytes, length); /* the database's password may be there */
    free(bytes);
    if (!reading->tenant)
        settings_fault(reading, 0, "there is no [tenant NAME]");
}

/* -- put together ------------------------------------------------------ */

int settings_line(const struct reading *reading, const struct section *tenant,
                  enum key_id id)
{
    return tenant->lines[id] ? tenant->lines[id]
                             : reading->sections[0].lines[id];
}

/* What a tenant does not say itself, [callhook] says, good or bad. */
static void inherit(const struct section *callhook, struct section *section)
{
    for (enum key_id id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        char *own = (char *)&section->tenant + key->offset;
        const char *given = (const char *)&callhook->tenant + key->offset;
        char **text = settings_keys_text(key, &section->tenant);

        if (key->places != (IN_CALLHOOK | IN_TENANT) || section->lines[id])
            continue;
        section->faulty[id] = callhook->faulty[id];
        if (text) {
            free(*text);
            *text = memory_copy(*(char *const *)(const void *)given);
        } else {
            memcpy(own, given,
                   key->kind == KIND_NUMBER ? sizeof(long) : sizeof(bool));
        }
    }
}

/* What is empty is taken from elsewhere. */
static void fill_in(char **text, const char *instead)
{
    if (**text)
        return;
    free(*text);
    *text = memory_copy(instead);
}

static void complete(const struct reading *reading,
                     const struct section *section, struct tenant *tenant)
{
    const struct cloud *cloud = cloud_find(section->tenant.cloud);

    *tenant = section->tenant;
    fill_in(&tenant->login_url, cloud->login_url);
    fill_in(&tenant->graph_url, cloud->graph_url);
    fill_in(&tenant->lifecycle_url, tenant->notification_url);
    tenant->scope = memory_print("%s/.default", cloud->graph_url);
    if (!settings_line(reading, section, KEY_RENEW_EVERY_MINUTES) &&
        tenant->renew_every_minutes > tenant->lifetime_minutes / 2)
        tenant->renew_every_minutes = tenant->lifetime_minutes / 2;
}

/* Without a fault each section but the first is a tenant of its own. */
static void hand_over(struct reading *reading, struct settings *settings)
{
    *settings = reading->sections[0].general;
    settings->tenant_count = reading->count - 1;
    settings->tenants =
        memory_new(settings->tenant_count, sizeof(*settings->tenants));
    for (size_t i = 0; i < settings->tenant_count; i++)
        complete(reading, &reading->sections[i + 1], &settings->tenants[i]);
    free_texts(&reading->sections[0].tenant, false);
}

size_t settings_read(struct settings *settings, const char *path)
{
    struct reading reading = {.path = path};

    *settings = (struct settings){0};
    add_section(&reading, IN_CALLHOOK);
    read_file(&reading);
    for (size_t i = 1; i < reading.count; i++)
        inherit(&reading.sections[0], &reading.sections[i]);
    settings_check(&reading);
    if (reading.faults == 0)
        hand_over(&reading, settings);
    else
        for (size_t i = 0; i < reading.count; i++)
            section_free(&reading.sections[i]);
    free(reading.sections);
    return reading.faults;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->tenant_count; i++) {
        free_texts(&settings->tenants[i], false);
        free(settings->tenants[i].scope);
    }
    free(settings->tenants);
    free_texts(settings, true);
    *settings = (struct settings){0};
}

const struct tenant *settings_tenant(const struct settings *settings,
                                     const char *name)
{
    for (size_t i = 0; i < settings->tenant_count; i++)
        if (strcmp(settings->tenants[i].name, name) == 0)
            return &settings->tenants[i];
    return NULL;
}
