/*
 * respond.c - every answer: JSON, a file, or an error with its one log line.
 */
#include "api/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_PATH_BYTES 200

static void send_response(struct request *req, int status, struct MHD_Response *response)
{
    MHD_add_response_header(response, "X-Request-Id", req->id);
    if (req->allow)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, req->allow);
    if (req->unread || req->api->draining)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    req->broken = MHD_queue_response(req->connection, (unsigned)status, response) != MHD_YES;
    MHD_destroy_response(response);
}

int respond_json(struct request *req, int status, const json_t *doc)
{
    char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15));
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response)
        BUG("cannot print the answer to %s", req->path);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    send_response(req, status, response);
    return 0;
}

int respond_file(struct request *req, const char *path, const char *mime, const char *download_name,
                 struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, E_NOT_FOUND, "the run has no artifact '%s'", download_name);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return err_sys(err, E_IO, "cannot read '%s'", path);
    }
    struct MHD_Response *response = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
    if (!response)
        BUG("cannot make a response from a file");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, mime);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
                            pool_printf(req->pool, "attachment; filename=\"%s\"", download_name));
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    send_response(req, MHD_HTTP_OK, response);
    return 0;
}

static const char *peer(const struct request *req, char out[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *addr = info ? info->client_addr : NULL;
    const void *ip = NULL;
    if (addr && addr->sa_family == AF_INET)
        ip = &((const struct sockaddr_in *)(const void *)addr)->sin_addr;
    else if (addr && addr->sa_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    return ip && inet_ntop(addr->sa_family, ip, out, INET6_ADDRSTRLEN) ? out : "-";
}

/* Errors of our own house may name paths; callers get the id under which the log has the reason. */
static const char *detail_for_caller(struct request *req, int code, int status,
                                     const struct err *err)
{
    if (status != MHD_HTTP_INTERNAL_SERVER_ERROR)
        return err->msg;
    if (err->sys_errno == ENOSPC || err->sys_errno == EDQUOT)
        return pool_printf(req->pool,
                           "the server's disk is full; its log has more under request id '%s'",
                           req->id);
    return pool_printf(
        req->pool,
        "the server could not do this (%s); its log has the reason under request id '%s'",
        err_name(code), req->id);
}

void respond_error(struct request *req, int code, const struct err *err)
{
    int status = req->allow ? MHD_HTTP_METHOD_NOT_ALLOWED : err_http_status(code);
    char ip[INET6_ADDRSTRLEN];
    struct log_ctx ctx = request_log_ctx(req, NULL);
    log_msg(status == MHD_HTTP_INTERNAL_SERVER_ERROR ? LOG_ERROR : LOG_INFO, "mantis.server", &ctx,
            "refused status=%d method=%s path=%.*s client=%s reason=%s", status, req->method,
            LOG_PATH_BYTES, req->path, peer(req, ip), err->msg);
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "detail", detail_for_caller(req, code, status, err));
    respond_json(req, status, doc);
}
