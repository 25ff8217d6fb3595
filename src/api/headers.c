/*
 * headers.c - requests that could mean two things are refused before anything is taken from them.
 *
 * Whatever stands between the caller and us has to see the same end of the body and the same token
 * as we do (RFC 9112 sections 3.2, 5.1, 6.3 and 11.2). libmicrohttpd takes the first of two
 * lengths, the coding before the length, any coding it does not know for a body without end, and a
 * name with blanks behind it for another name.
 */
#include "api/request.h"

#include <string.h>
#include <strings.h>

struct seen {
    int hosts, lengths, codings, tokens;
    bool chunked; /* the coding is the one that is known */
    bool odd;     /* a character that neither names nor values have */
};

static bool is_name(const char *s, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-.^_`|~";
    return len && strspn(s, allowed) == len;
}

static bool is_value(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
            return false;
    return true;
}

static enum MHD_Result look(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                            const char *value, size_t value_len)
{
    struct seen *seen = cls;
    seen->odd = seen->odd || !is_name(name, name_len) || !is_value(value, value_len);
    seen->hosts += strcasecmp(name, "Host") == 0;
    seen->lengths += strcasecmp(name, "Content-Length") == 0;
    seen->tokens += strcasecmp(name, "X-Mantis-Token") == 0;
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        seen->codings++;
        seen->chunked = value && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

int request_check_headers(const struct request *req, const char *version, struct err *err)
{
    struct seen seen = {0};
    bool old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    MHD_get_connection_values_n(req->connection, MHD_HEADER_KIND, look, &seen);
    if (seen.odd)
        return err_set(err, E_INVALID,
                       "a header's name or value holds a character that HTTP does not allow there");
    if (seen.hosts > 1 || (!old && !seen.hosts))
        return err_set(err, E_INVALID, "the request must have one Host header; it has %d",
                       seen.hosts);
    if (seen.lengths > 1 || seen.codings > 1 || (seen.lengths && seen.codings))
        return err_set(err, E_INVALID,
                       "the request says more than once where its body ends: send one "
                       "Content-Length or one Transfer-Encoding header");
    if (seen.codings && (!seen.chunked || old))
        return err_set(
            err, E_INVALID,
            "Transfer-Encoding takes 'chunked', in HTTP/1.1; nothing else is understood");
    if (seen.tokens > 1)
        return err_set(err, E_INVALID, "the X-Mantis-Token header was sent %d times; send one",
                       seen.tokens);
    return 0;
}
