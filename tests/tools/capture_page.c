/*
 * capture_page.c - makes a page fixture: opens an address in the real browser plane and prints the
 * page as tests/golden/pages wants it, one node a line. For whoever adds a fixture; no test runs
 * it. usage: capture_page URL [SCROLL_NOTCHES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/page.h"
#include "plane/plane.h"
#include "sys/file.h"

static void print_page(const struct page *page)
{
    json_t *json = page_to_json(page), *nodes = json_incref(json_object_get(json, "nodes")), *node;
    size_t i;
    json_object_del(json, "nodes");
    char *head = json_dumps(json, JSON_COMPACT);
    head[strlen(head) - 1] = 0;
    printf("%s,\"nodes\":[\n", head);
    json_array_foreach (nodes, i, node) {
        char *line = json_dumps(node, JSON_COMPACT);
        printf("%s%s\n", line, i + 1 < json_array_size(nodes) ? "," : "");
        free(line);
    }
    printf("]}\n");
    free(head);
    json_decref(nodes);
    json_decref(json);
}

static int capture(struct plane *plane, struct pool *pool, const char *url, int notches,
                   struct err *err)
{
    struct settled s;
    struct observation obs = {0};
    int r = plane_navigate(plane, pool, url, 15000, &s, err);
    struct action scroll = {.type = ACTION_SCROLL, .x = -1, .y = -1, .dy = notches};
    if (r == 0 && notches)
        r = plane_act(plane, pool, &scroll, 3000, &s, err);
    if (r == 0)
        r = plane_observe(plane, pool, OBSERVE_PAGE, 5000, &obs, err);
    if (r == 0)
        print_page(obs.page);
    return r;
}

int main(int argc, char **argv)
{
    struct pool *pool = pool_create(NULL);
    struct loop *loop = NULL;
    struct plane *plane = NULL;
    struct err err = {0};
    char dir[] = "/tmp/capture.XXXXXX";
    if (argc < 2 || !mkdtemp(dir) || chmod(dir, 0711)) { /* Chromium's own user passes through */
        fprintf(stderr, "usage: capture_page URL [SCROLL_NOTCHES]\n");
        return 64;
    }
    struct plane_config config = {.width = 1280,
                                  .height = 720,
                                  .profile_dir = pool_printf(pool, "%s/profile", dir),
                                  .tmp_dir = pool_printf(pool, "%s/tmp", dir),
                                  .download_dir = pool_printf(pool, "%s/downloads", dir),
                                  .sandbox_off = getenv("CAPTURE_SANDBOX_OFF") != NULL};
    int r = file_mkdirs(config.profile_dir, 0700, &err);
    if (r == 0)
        r = file_mkdirs(config.tmp_dir, 0700, &err);
    if (r == 0)
        r = file_mkdirs(config.download_dir, 0700, &err);
    if (r == 0)
        r = loop_create(&loop, &err);
    if (r == 0)
        r = plane_create("browser_use_plane", loop, &config, 20000, &plane, &err);
    if (r == 0)
        r = capture(plane, pool, argv[1], argc > 2 ? atoi(argv[2]) : 0, &err);
    if (r)
        fprintf(stderr, "capture_page: %s\n", err.msg);
    plane_destroy(plane, false);
    loop_destroy(loop);
    pool_destroy(pool);
    struct err ignored;
    return file_remove_tree(dir, &ignored) || r ? 1 : 0;
}
