/* Files that hold secrets: which are refused, and what is left of a write. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/private_file.h"

/* The current one while tests run. */
static char folder[] = "/tmp/callhook-unit-XXXXXX";

static void put_file(const char *bytes, size_t length, mode_t mode)
{
    FILE *file = fopen("file", "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod("file", mode), 0);
}

static const struct mode_case {
    const char *name;
    mode_t mode;
    const char *why; /* "" : it is read */
} mode_cases[] = {
    {"0600", 0600, ""},
    {"0400", 0400, ""},
    {"0640", 0640, ""},
    {"0440", 0440, ""},
    {"0604", 0604, "is open to others (mode 0604)"},
    {"0602", 0602, "is open to others (mode 0602)"},
    {"0601", 0601, "is open to others (mode 0601)"},
    {"0644", 0644, "is open to others (mode 0644)"},
    {"0620", 0620, "is more than readable by its group (mode 0620)"},
    {"0660", 0660, "is more than readable by its group (mode 0660)"},
    {"0610", 0610, "is more than readable by its group (mode 0610)"},
};

TEST_EACH(modes, mode_cases, c)
{
    char why[256] = "";
    size_t length;

    put_file("hidden", 6, c->mode);
    char *bytes = private_file_read("file", 6, &length, why, sizeof(why));
    assert_string_equal(why, c->why);
    if (*c->why) {
        assert_null(bytes);
    } else {
        assert_non_null(bytes);
        assert_bytes(bytes, length, "hidden");
        assert_int_equal(bytes[length], '\0');
    }
    memory_wipe(bytes);
    /* One that holds no secret may be read by all. */
    bytes = private_file_read_trusted("file", 6, &length, why, sizeof(why));
    assert_int_equal(bytes != NULL, !(c->mode & 022));
    memory_wipe(bytes);
}

static void refused(const char *path, size_t limit, const char *expected)
{
    char why[256] = "";
    size_t length;

    assert_null(private_file_read(path, limit, &length, why, sizeof(why)));
    assert_string_equal(why, expected);
    assert_null(
        private_file_read_trusted(path, limit, &length, why, sizeof(why)));
    assert_string_equal(why, expected);
}

TEST(what_is_no_file)
{
    unlink("file");
    refused("file", 10, "cannot be opened: No such file or directory");
    refused(".", 10, "is no regular file");
    refused("/dev/null", 10, "is no regular file");
    assert_int_equal(mkfifo("file", 0600), 0);
    refused("file", 10, "is no regular file");
    unlink("file");
}

TEST(lengths)
{
    char why[256];
    size_t length = 9;

    put_file("seven b", 7, 0600);
    refused("file", 6, "is longer than 6 bytes");
    put_file("", 0, 0600);
    char *bytes = private_file_read("file", 0, &length, why, sizeof(why));
    assert_non_null(bytes);
    assert_bytes(bytes, length, "");
    memory_wipe(bytes);
    put_file("a\0b\n", 4, 0600);
    bytes = private_file_read("file", 10, &length, why, sizeof(why));
    assert_non_null(bytes);
    assert_bytes(bytes, length, "a\0b\n");
    memory_wipe(bytes);
}

TEST(a_link_is_followed)
{
    char why[256];
    size_t length;

    put_file("hidden", 6, 0600);
    assert_int_equal(symlink("file", "link"), 0);
    char *bytes = private_file_read("link", 10, &length, why, sizeof(why));
    assert_non_null(bytes);
    memory_wipe(bytes);
    put_file("hidden", 6, 0644);
    assert_null(private_file_read("link", 10, &length, why, sizeof(why)));
    unlink("link");
}

/* Only root can give files away. */
TEST(the_owner)
{
    char why[256];
    size_t length;

    if (geteuid() != 0)
        skip();
    put_file("hidden", 6, 0600);
    assert_int_equal(chown("file", 12345, (gid_t)-1), 0);
    assert_null(private_file_read("file", 10, &length, why, sizeof(why)));
    assert_string_equal(why, "belongs to neither root nor this user");
    /* To others than root: their own files, and root's. */
    assert_int_equal(chmod("file", 0640), 0);
    assert_int_equal(chmod(".", 0755), 0);
    assert_int_equal(setegid(12345), 0);
    for (uid_t owner = 0; owner <= 12345; owner += 12345) {
        assert_int_equal(chown("file", owner, 12345), 0);
        assert_int_equal(seteuid(12345), 0);
        char *bytes = private_file_read("file", 10, &length, why, sizeof(why));
        assert_int_equal(seteuid(0), 0);
        assert_non_null(bytes);
        memory_wipe(bytes);
    }
    assert_int_equal(setegid(0), 0);
    unlink("file");
}

static size_t count_files(void)
{
    DIR *entries = opendir(".");
    size_t n = 0;

    assert_non_null(entries);
    for (struct dirent *e = readdir(entries); e; e = readdir(entries))
        n += e->d_name[0] != '.';
    closedir(entries);
    return n;
}

static void assert_holds(const char *path, const char *expected)
{
    char why[256];
    size_t length;
    char *bytes = private_file_read(path, 1000, &length, why, sizeof(why));

    assert_non_null(bytes);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(bytes, expected);
    memory_wipe(bytes);
}

/* Whatever the mode was before, and whatever the umask is. */
TEST(a_file_is_replaced)
{
    mode_t mask = umask(0);
    char path[sizeof(folder) + 5];
    struct stat status;

    put_file("old and longer", 14, 0666);
    assert_true(private_file_write("file", "new", 3));
    assert_int_equal(stat("file", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_holds("file", "new");
    umask(0777);
    snprintf(path, sizeof(path), "%s/file", folder);
    assert_true(private_file_write(path, "", 0));
    umask(mask);
    assert_int_equal(stat("file", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_holds("file", "");
    assert_int_equal(count_files(), 1);
}

/* A link is replaced too: what it points to stays as it is. */
TEST(a_link_is_replaced)
{
    struct stat status;

    put_file("old", 3, 0600);
    assert_int_equal(symlink("file", "link"), 0);
    assert_true(private_file_write("link", "new", 3));
    assert_int_equal(lstat("link", &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_holds("file", "old");
    assert_holds("link", "new");
    unlink("link");
}

TEST(a_failed_write_leaves_nothing)
{
    unlink("file");
    errno = 0;
    assert_false(private_file_write("absent/file", "new", 3));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(mkdir("file", 0700), 0);
    assert_false(private_file_write("file", "new", 3));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(count_files(), 1);
    assert_int_equal(rmdir("file"), 0);
}

int unit_setup(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder) != 0;
}

int unit_teardown(void **state)
{
    (void)state;
    unlink("file");
    return rmdir(folder);
}
