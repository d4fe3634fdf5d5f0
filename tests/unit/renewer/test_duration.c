/* Spans of time in words that people read. */
#include "base/duration.h"
#include "unit.h"

static const struct sample {
    const char *name;
    int64_t seconds;
    const char *plain;
    const char *in;
    const char *ago;
} samples[] = {
    {"the past", -1, "0 s", "over", "now"},
    {"the far past", INT64_MIN, "0 s", "over", "now"},
    {"nothing", 0, "0 s", "over", "now"},
    {"seconds", 59, "59 s", "in 59 s", "59 s ago"},
    {"a minute", 60, "1 min", "in 1 min", "1 min ago"},
    {"almost an hour", 3599, "59 min", "in 59 min", "59 min ago"},
    {"an hour", 3600, "1 h", "in 1 h", "1 h ago"},
    {"an hour and seconds", 3659, "1 h", "in 1 h", "1 h ago"},
    {"an hour and a minute", 3660, "1 h 1 min", "in 1 h 1 min", "1 h ago"},
    {"almost a day", 86399, "23 h 59 min", "in 23 h 59 min", "23 h ago"},
    {"a day", 86400, "1 d", "in 1 d", "1 d ago"},
    {"a day and minutes", 89999, "1 d", "in 1 d", "1 d ago"},
    {"days and hours", 183600, "2 d 3 h", "in 2 d 3 h", "2 d ago"},
    {"for ever", INT64_MAX, "24855 d 3 h", "in 24855 d 3 h", "24855 d ago"},
};

TEST_EACH(words, samples, sample)
{
    assert_string_equal(duration_of(sample->seconds).text, sample->plain);
    assert_string_equal(duration_in(sample->seconds).text, sample->in);
    assert_string_equal(duration_ago(sample->seconds).text, sample->ago);
}
