/*
 * fake_script.h - the file a fake plane plays: named pages and what happens on them.
 * Format: docs/internals/fake-plane.md.
 */
#ifndef MANTIS_PLANE_FAKE_SCRIPT_H
#define MANTIS_PLANE_FAKE_SCRIPT_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "core/page.h"

struct fake_page {
    const char *name;
    const char *url;
    json_t *page;   /* page-json.md; borrowed from the script */
    json_t *rules;  /* array or NULL; "times" of a rule is counted down in place */
    json_t *config; /* the whole object: hang, fails */
    int fails;      /* navigations to it that still fail */
};

struct fake_script {
    struct fake_page *pages; /* the last one is the error page */
    int n_pages;
    int start;
    bool log;
};

/* path NULL: one blank page. Lives in pool. E_INVALID names the page and field; E_NOT_FOUND, E_IO. */
int fake_script_load(struct pool *pool, const char *path, struct fake_script **out,
                     struct err *err) MUST_CHECK;

int fake_script_page(const struct fake_script *s, const char *name);    /* -1: none */
int fake_script_page_at(const struct fake_script *s, const char *url);  /* -1; fragments do not count */
int fake_script_error_page(const struct fake_script *s);

#endif
