/*
 * site_visit.h - a practice site in this process and a client of it, both turned by one loop.
 */
#ifndef MANTIS_TESTS_UNIT_SITE_VISIT_H
#define MANTIS_TESTS_UNIT_SITE_VISIT_H

#include "unit/test.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "site/site.h"
#include "sys/loop.h"

#define TOKEN "a-token-of-this-test"
#define ADMIN "X-Env-Admin: " TOKEN "\r\n"
#define FORM  "Content-Type: application/x-www-form-urlencoded\r\n"

struct visit {
    struct loop *loop;
    struct site *site;
    struct pool *pool;
};

struct answer {
    int fd;
    struct buf text;
    bool ended;
    struct loop_fd *watch;
};

/* sites/<name> of the source tree. */
char *site_dir(struct pool *pool, const char *name);

int open_visit(struct visit *v, const char *name, int64_t seed, struct err *err);
void close_visit(struct visit *v);
int port_of(const struct site *site);

/* Ask and go on; headers are whole lines. answer_ended() is for loop_wait(). */
void ask(struct visit *v, struct answer *a, const char *method, const char *path,
         const char *headers, const char *body);
bool answer_ended(void *arg);
void end_answer(struct answer *a);

/* Status of the answer; *ret_text is all of it, headers too. */
int fetch(struct visit *v, const char *method, const char *path, const char *headers,
          const char *body, const char **ret_text);
int get(struct visit *v, const char *path, const char **ret_text);

/* A GET of the control protocol that must work. */
json_t *admin(struct visit *v, const char *path);

#endif
