/* The form for monitoring plugins. */
#include "status/plugin.h"

#include <inttypes.h>
#include <string.h>

/* Terminals obey U+0080 to U+009F too, which are two bytes. */
static bool is_control(const char *text)
{
    unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];

    return c < ' ' || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0);
}

/*
 * Monitoring plugins, development guidelines: words, then a bar, then
 * 'label'=value[unit];warn;crit;min;max. A peer's text must not be taken for
 * a bar, a second line or a command of a terminal.
 */
static void print_words(FILE *stream, const char *text)
{
    size_t length = text ? strnlen(text, 301) : 0;

    if (length > 300) /* to where a character begins */
        while (length && ((unsigned char)text[--length] & 0xc0) == 0x80)
            continue;
    for (size_t i = 0; i < length; i++) {
        bool is_odd = text[i] == '|' || is_control(text + i);

        fputc(is_odd ? ' ' : text[i], stream);
        i += is_odd && text[i] == '\xc2';
    }
}

static void begin(FILE *stream, enum verdict verdict)
{
    fprintf(stream, "CALLHOOK %s - ", verdict_word(verdict));
}

/* The first sentence of a list, and that there are more. */
struct sentences {
    FILE *stream;
    size_t count;
};

static void tell(struct sentences *sentences, const char *of, const char *text)
{
    if (text && sentences->count++ == 0) {
        print_words(sentences->stream, of);
        fputs(of ? ": " : "", sentences->stream);
        print_words(sentences->stream, text);
    }
}

static void tell_list(struct sentences *sentences, const char *of,
                      yajl_val object, const char *name)
{
    yajl_val *all;
    size_t count = state_list(object, name, &all);

    for (size_t i = 0; i < count; i++)
        tell(sentences, of, YAJL_GET_STRING(all[i]));
}

/* What is worst comes first, so that it is what a pager shows. */
static void tell_of_tenants(struct sentences *sentences,
                            const struct state *state, enum verdict verdict)
{
    yajl_val *all;
    size_t count = state_list(state->tree, "tenants", &all);

    for (size_t i = 0; i < count; i++) {
        const char *name = json_text(all[i], "tenant");

        if (verdict_of_tenant(state, all[i]) != verdict)
            continue;
        if (verdict == VERDICT_CRITICAL)
            tell(sentences, name, verdict_need(all[i]));
        tell_list(sentences, name, all[i], "needs");
    }
}

static void tell_all(FILE *stream, const struct state *state)
{
    struct sentences sentences = {.stream = stream};
    yajl_val *all;
    size_t count = state_list(state->tree, "tenants", &all);

    tell(&sentences, NULL, json_text(state->tree, "database_fault"));
    tell_of_tenants(&sentences, state, VERDICT_CRITICAL);
    tell_list(&sentences, NULL, state->tree, "needs");
    tell_of_tenants(&sentences, state, VERDICT_WARNING);
    tell_list(&sentences, NULL, state->tree, "faults");
    if (sentences.count > 1)
        fprintf(stream, " (and %zu more)", sentences.count - 1);
    if (sentences.count == 0)
        fprintf(stream, "%zu tenant%s, all deliver", count,
                count == 1 ? "" : "s");
}

struct sums {
    int64_t left; /* of the subscription that ends first; -1: there is none */
    int64_t in_need, silent, gaps, waiting, missing;
};

static struct sums add_up(const struct state *state)
{
    struct sums sums = {.left = -1};
    int64_t now = state_time(state->tree, "at");
    yajl_val *all;
    size_t count = state_list(state->tree, "tenants", &all);

    for (size_t i = 0; i < count; i++) {
        int64_t left = verdict_ends_at(all[i]) - now;
        yajl_val silence = json_member(all[i], "silence");

        left = left < 0 ? 0 : left;
        if (sums.left < 0 || left < sums.left)
            sums.left = left;
        sums.in_need += !YAJL_IS_TRUE(json_member(all[i], "ok"));
        sums.silent += YAJL_IS_TRUE(json_member(silence, "alarm"));
        sums.gaps += json_text(all[i], "gap_since") != NULL;
        sums.waiting += state_number(all[i], "records_waiting");
        sums.missing += state_number(all[i], "calls_missing");
    }
    return sums;
}

static void print_performance(FILE *stream, const struct state *state)
{
    struct sums sums = add_up(state);
    int64_t spool = 0, dead = 0;
    yajl_val *all;
    size_t count = state_list(state->tree, "receivers", &all);

    for (size_t i = 0; i < count; i++) {
        spool += state_number(all[i], "spool_bytes");
        dead += verdict_of_receiver(all[i]) == VERDICT_CRITICAL;
    }
    fprintf(stream,
            " | 'first end'=%" PRId64 "s;;%d:;0 'tenants in need'=%" PRId64
            ";0;;0;%zu 'silent tenants'=%" PRId64 ";0;;0 'open gaps'=%" PRId64
            ";0;;0 'records waiting'=%" PRId64 ";;;0 'calls missing'=%" PRId64
            ";;;0 'receivers dead'=%" PRId64 ";;0;0 'spool'=%" PRId64 "B;;;0",
            sums.left < 0 ? 0 : sums.left, VERDICT_END_SECONDS, sums.in_need,
            state_list(state->tree, "tenants", &all), sums.silent, sums.gaps,
            sums.waiting, sums.missing, dead, spool);
}

enum verdict plugin_print(FILE *stream, const struct state *state)
{
    enum verdict verdict = verdict_of(state);

    begin(stream, verdict);
    tell_all(stream, state);
    if (state->is_there)
        print_performance(stream, state);
    fputc('\n', stream);
    return verdict;
}

enum verdict plugin_print_unknown(FILE *stream, const char *why)
{
    begin(stream, VERDICT_UNKNOWN);
    print_words(stream, why);
    fputc('\n', stream);
    return VERDICT_UNKNOWN;
}
