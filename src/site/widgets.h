/*
 * widgets.h - the pages of the site "widgets": what each is called, asks for and offers.
 */
#ifndef MANTIS_SITE_WIDGETS_H
#define MANTIS_SITE_WIDGETS_H

#include <stdbool.h>

#define WIDGET_MAX_WANTS 4

struct widget_want {
    const char *name, *value;
};

struct widget {
    const char *id;               /* task, template and the last part of /w/<id> */
    const char *title, *about;
    struct widget_want wants[WIDGET_MAX_WANTS]; /* what the one request must say */
    const char *const *options;   /* "value|label", NULL-terminated; their order is the seed's */
    const char *parts;            /* names of further templates <id>_<part>, between blanks */
    bool file;                    /* wants the inspection form, unchanged */
    bool fetched;                 /* wants a file of /w/files/ to be fetched, and no form */
};

extern const struct widget widgets[];
extern const int n_widgets;

const struct widget *widget_find(const char *id, int len);

/* The form that is offered for download and wanted back. */
extern const char widget_inspection_form[];

#endif
