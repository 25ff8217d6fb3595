/*
 * view_mjpeg.c - a run's display as a picture that moves (multipart/x-mixed-replace), for whatever shows
 * pictures. A browser shows a part when it sees the boundary behind it, so that is sent with the part.
 */
#include "api/request.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "sched/live.h"
#include "sys/ws.h"

#define BOUNDARY "mantis-frame"

struct mjpeg {
    struct viewer viewer; /* first */
    struct httpd_hold hold;
    struct sched_view *view;
    bool finished;
    char head[128], tail[32]; /* around the picture that is being sent */
    struct picture *picture;
    size_t sent;
};

/* The next part, with the boundary that ends it; the first has one in front, too. */
static bool begin_part(struct mjpeg *m)
{
    struct picture *p = sched_view_frame(m->view);
    if (!p)
        return false;
    snprintf(m->head, sizeof(m->head), "%sContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n",
             *m->tail ? "" : "--" BOUNDARY "\r\n", p->len);
    snprintf(m->tail, sizeof(m->tail), "\r\n--" BOUNDARY "\r\n");
    m->picture = p;
    m->sent = 0;
    return true;
}

static size_t copy_part(struct mjpeg *m, char *out, size_t max)
{
    const struct {
        const void *data;
        size_t len;
    } parts[] = {{m->head, strlen(m->head)}, {m->picture->data, m->picture->len}, {m->tail, strlen(m->tail)}};
    size_t skip = m->sent, n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        size_t have = parts[i].len > skip ? parts[i].len - skip : 0, take = have < max - n ? have : max - n;
        memcpy(out + n, (const char *)parts[i].data + parts[i].len - have, take);
        n += take;
        skip -= skip < parts[i].len ? skip : parts[i].len;
    }
    m->sent += n;
    return n;
}

static ssize_t pull(void *arg, uint64_t pos, char *out, size_t max)
{
    struct mjpeg *m = arg;
    if (m->finished)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!m->picture && !begin_part(m)) {
        httpd_hold(&m->hold);
        return 0;
    }
    size_t n = copy_part(m, out, max);
    if (m->sent == strlen(m->head) + m->picture->len + strlen(m->tail)) {
        picture_put(m->picture);
        m->picture = NULL;
    }
    return (ssize_t)n;
}

static void on_news(void *arg)
{
    struct mjpeg *m = arg;
    struct sched_view_state now;
    sched_view_state(m->view, &now);
    m->finished = m->finished || run_state_terminal(now.state);
    httpd_wake(&m->hold);
}

static void end(struct viewer *v, enum viewer_end how)
{
    struct mjpeg *m = (struct mjpeg *)v;
    m->finished = true;
    httpd_wake(&m->hold);
    if (how == VIEWER_CUT)
        httpd_release(&m->hold);
}

static void on_hangup(void *arg)
{
    end(arg, VIEWER_STOPPING);
}

/* With the request: whatever ended it. */
static void mjpeg_close(void *arg)
{
    struct mjpeg *m = arg;
    httpd_release(&m->hold);
    viewer_unlink(&m->viewer);
    sched_view_close(m->view);
    picture_put(m->picture);
}

static void send_little(struct request *req)
{
    ws_keep_little_unsent(MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

int run_view_mjpeg_get(struct request *req, struct err *err)
{
    static const struct sched_view_events events = {.news = on_news};
    struct view_token token;
    struct mjpeg *m = pool_alloc(req->pool, sizeof(*m));
    m->viewer.end = end;
    int r = view_admit(req, &token, err);
    r = r ? r
          : sched_view_open(req->api->sched, request_run(req, req->params[0]), PATCHES_FRAME, &events, m,
                            &m->view, err);
    if (r)
        return r;
    viewer_link(&m->viewer, req->api);
    viewer_expires(&m->viewer, &token);
    pool_defer(req->pool, mjpeg_close, m);
    httpd_watch(&req->api->httpd, req->connection, &m->hold, on_hangup, m);
    send_little(req);
    return respond_stream(req, "multipart/x-mixed-replace; boundary=" BOUNDARY, pull, m);
}
