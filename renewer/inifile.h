/* An INI file, told line by line: libinih, and what it passes over. */
#ifndef RENEWER_INIFILE_H
#define RENEWER_INIFILE_H

#include <stddef.h>

/*
 * What is told, in the order of the file. Lines count from 1; texts live
 * during the call only. A line that has a fault is told by `fault` alone; a
 * section header with one is followed by section(), whose `title` is NULL.
 */
struct inifile_events {
    void *context; /* for the functions */
    void (*section)(void *context, int line, const char *title);
    void (*key)(void *context, int line, const char *name, const char *value);
    void (*fault)(void *context, int line, const char *what);
};

/* Reads all of the file's bytes, whatever faults there are. */
void inifile_read(const char *bytes, size_t length,
                  const struct inifile_events *events);

#endif
