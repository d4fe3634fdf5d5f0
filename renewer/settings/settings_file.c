/* renewer.conf as it stands. */
#include "settings/settings_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/private_file.h"
#include "settings/ini.h"
#include "settings/settings.h"

#define SIZE_LIMIT (16UL << 20)

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

void settings_file_fault(struct settings_file *file, int line,
                         const char *format, ...)
{
    char what[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (line)
        log_line("%s:%d: %s", file->path, line, what);
    else
        log_line("%s: %s", file->path, what);
    file->faults++;
}

/* -- sections ---------------------------------------------------------- */

static struct section *add_section(struct settings_file *file, unsigned place,
                                   const char *name)
{
    size_t n = ++file->count;

    /* Doubled at each power of two. */
    if ((n & (n - 1)) == 0)
        file->sections =
            memory_resize(file->sections, 2 * n * sizeof(struct section));
    file->sections[n - 1] = (struct section){.name = name, .place = place};
    return &file->sections[n - 1];
}

/* NULL: there is none yet. */
static struct section *find_section(const struct settings_file *file,
                                    unsigned place, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->sections[i].place == place && !file->sections[i].stray &&
            strcmp(file->sections[i].name, name) == 0)
            return &file->sections[i];
    return NULL;
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= TENANT_NAME_MAX &&
           !name[strspn(name, LETTERS DIGITS "._-")];
}

static struct section *begin_section(struct settings_file *file, int line,
                                     unsigned place, const char *name)
{
    struct section *section = find_section(file, place, name);
    bool bad = place == IN_TENANT && !is_name(name);
    bool again = section && section->line;

    if (bad)
        settings_file_fault(file, line,
                            "the name of a tenant has 1 to %d of "
                            "A-Z a-z 0-9 . _ -",
                            TENANT_NAME_MAX);
    if (again)
        settings_file_fault(file, line, "[%s%s] is there already, in line %d",
                            place == IN_TENANT ? "tenant " : "callhook", name,
                            section->line);
    if (!section || again)
        section = add_section(file, place, name);
    section->line = line;
    section->stray = bad || again;
    return section;
}

/* NULL: it is unknown. */
static struct section *read_header(struct settings_file *file, int line,
                                   const char *title)
{
    size_t word = strcspn(title, " \t");

    if (strcmp(title, "callhook") == 0)
        return begin_section(file, line, IN_CALLHOOK, "");
    if (word == 6 && memcmp(title, "tenant", word) == 0)
        return begin_section(file, line, IN_TENANT,
                             title + word + strspn(title + word, " \t"));
    settings_file_fault(file, line,
                        "unknown section [%.40s]; there are [callhook] and "
                        "[tenant NAME]",
                        title);
    return NULL;
}

/* -- keys -------------------------------------------------------------- */

/* What cannot be a key's name is not repeated: it may be a secret's part. */
static void tell_unknown(struct settings_file *file, int line, const char *name)
{
    size_t length = strlen(name);

    if (length && length <= 32 && !name[strspn(name, LETTERS DIGITS "_")])
        settings_file_fault(file, line, "unknown key \"%s\"", name);
    else
        settings_file_fault(file, line, "unknown key");
}

static void read_key(struct settings_file *file, int line,
                     struct section *section, const struct ini_line *said)
{
    enum key_id id = settings_keys_find(said->name);
    char why[WHY_SIZE];

    if (id == KEY_COUNT) {
        tell_unknown(file, line, said->name);
    } else if (!(keys[id].places & section->place)) {
        settings_file_fault(file, line, "%s belongs in %s", said->name,
                            section->place == IN_TENANT ? "[callhook]"
                                                        : "[tenant NAME]");
    } else if (section->lines[id]) {
        settings_file_fault(file, line, "%s is there already, in line %d",
                            said->name, section->lines[id]);
    } else {
        section->lines[id] = line;
        if (settings_keys_check(&keys[id], said->value, why))
            section->values[id] = said->value;
        else
            settings_file_fault(file, line, "%s: %s", said->name, why);
    }
}

/* -- the file ---------------------------------------------------------- */

static void read_lines(struct settings_file *file)
{
    struct section *section = NULL;
    struct ini ini;
    struct ini_line said;
    bool begun = false, tenant = false;

    ini_begin(&ini, file->bytes, file->length);
    while (ini_next(&ini, &said)) {
        begun |= said.header;
        if (said.header)
            section = NULL;
        if (said.fault)
            settings_file_fault(file, ini.line, "%s", said.fault);
        else if (said.header)
            section = read_header(file, ini.line, said.name);
        else if (section)
            read_key(file, ini.line, section, &said);
        else if (!begun)
            settings_file_fault(file, ini.line,
                                "a key before the first section");
        tenant |= section && section->place == IN_TENANT;
    }
    if (!tenant)
        settings_file_fault(file, 0, "there is no [tenant NAME]");
}

void settings_file_read(struct settings_file *file, const char *path)
{
    char why[WHY_SIZE];

    *file = (struct settings_file){.path = path};
    add_section(file, IN_CALLHOOK, "");
    file->bytes =
        private_file_read(path, SIZE_LIMIT, &file->length, why, sizeof(why));
    if (file->bytes)
        read_lines(file);
    else
        settings_file_fault(file, 0, "%s", why);
}

void settings_file_free(struct settings_file *file)
{
    free(file->sections);
    if (file->bytes)
        explicit_bzero(file->bytes, file->length);
    free(file->bytes);
}

const struct section *settings_file_giver(const struct settings_file *file,
                                          const struct section *tenant,
                                          enum key_id id)
{
    if (tenant->lines[id])
        return tenant;
    return file->sections[0].lines[id] ? &file->sections[0] : NULL;
}
