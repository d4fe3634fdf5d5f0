/* Resources and change types that Graph takes for the same. */
#include "base/change_type.h"
#include "base/resource.h"

#include <stdlib.h>

#include "unit.h"

static const struct resource {
    const char *name; /* as somebody wrote it */
    const char *form;
    bool calls; /* it is about call records */
} resources[] = {
    {"communications/callRecords", "communications/callrecords", true},
    {"/communications/callRecords", "communications/callrecords", true},
    {"/Communications/CALLRECORDS", "communications/callrecords", true},
    {"//communications/callRecords", "/communications/callrecords", false},
    {"communications/callRecords/", "communications/callrecords/", true},
    {"communications/callRecordsOfTomorrow",
     "communications/callrecordsoftomorrow", false},
    {"communications/onlineMeetings", "communications/onlinemeetings", false},
    {"communications/callRecord", "communications/callrecord", false},
    {"", "", false},
    {"/", "", false},
    {"communications/callRecords?$filter=participants/any(p:p/id eq 'A')",
     "communications/callrecords?$filter=participants/any(p:p/id eq 'a')",
     true},
};

TEST_EACH(resource_form, resources, row)
{
    char *form = resource_key(row->name);

    assert_string_equal(form, row->form);
    free(form);
    assert_int_equal(resource_is_call_records(row->name), row->calls);
}

/* Two are the same just where their forms are. */
TEST(resources_compare)
{
    for (size_t i = 0; i < COUNT(resources); i++)
        for (size_t j = 0; j < COUNT(resources); j++)
            assert_int_equal(
                resource_is_same(resources[i].name, resources[j].name),
                strcmp(resources[i].form, resources[j].form) == 0);
}

static const struct change_type {
    const char *name;
    const char *form;
} change_types[] = {
    {"updated", "updated"},
    {"UPDATED", "updated"},
    {" updated ", "updated"},
    {"created", "created"},
    {"created,updated", "created,updated"},
    {"updated,created", "created,updated"},
    {"Updated, Created", "created,updated"},
    {"updated,updated", "updated"},
    {"updated,deleted,created", "created,deleted,updated"},
    {"updatedx", ""},
    {"xupdated", ""},
    {"update", ""},
    {"", ""},
    {",", ""},
    {",updated,", "updated"},
    {"updated,unheard-of", "updated"},
};

TEST_EACH(change_type_form, change_types, row)
{
    char *form = change_type_key(row->name);

    assert_string_equal(form, row->form);
    free(form);
}

TEST(change_types_compare)
{
    for (size_t i = 0; i < COUNT(change_types); i++)
        for (size_t j = 0; j < COUNT(change_types); j++)
            assert_int_equal(
                change_type_is_same(change_types[i].name, change_types[j].name),
                strcmp(change_types[i].form, change_types[j].form) == 0);
}
