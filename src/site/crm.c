/*
 * crm - "Tallowmere", the customers of a small wholesaler.
 *
 * What makes it like the real thing: a password and then a code that no page shows, a session that
 * can end in the middle, a table over several pages, saving that shows a toast and leaves the
 * address as it was, a browser's own question before one kind of deletion and the page's own before
 * another, a note that is added twice when its button is pressed twice, a file to download.
 */
#include "site/crm.h"

#include <string.h>

#include "base/caps.h"
#include "site/site.h"

static void *create(struct pool *pool, int64_t seed)
{
    return crm_create(pool, seed);
}

static json_t *base_view(struct site_request *req)
{
    static const char *const done[][2] = {{"deleted", "Customer deleted"},
                                          {"created", "Customer created"}};
    json_t *view = json_keep(req_pool(req), json_object());
    json_put_bool(view, "soup", crm_of(req)->soup);
    json_put_str(view, "me", crm_owners[0]);
    json_put_str(view, "user", CRM_USER);
    json_put_str(view, "toast", "");
    for (size_t i = 0; i < ARRAY_SIZE(done); i++)
        if (strcmp(req_arg(req, "done", ""), done[i][0]) == 0)
            json_put_str(view, "toast", done[i][1]);
    return view;
}

static void missing(struct site_request *req)
{
    if (crm_let_in(req))
        req_reply_page(req, 404, "missing", base_view(req));
}

static json_t *choices(const char *const *list, const char *chosen)
{
    json_t *options = json_array();
    for (; *list; list++)
        json_push(options,
                  json_pack("{s:s,s:b}", "value", *list, "selected", strcmp(*list, chosen) == 0));
    return options;
}

/* --- the table ----------------------------------------------------------------------------- */

static struct crm_query read_query(struct site_request *req)
{
    return (struct crm_query){.text = req_arg(req, "q", ""),
                              .status = req_arg(req, "status", ""),
                              .owner = req_arg(req, "owner", ""),
                              .sort = req_arg(req, "sort", "")};
}

static const char *link_to(struct site_request *req, const char *path, const struct crm_query *q,
                           const char *sort, int page)
{
    const char *number = page > 1 ? pool_printf(req_pool(req), "%d", page) : "";
    const char *const args[][2] = {{"q", q->text},
                                   {"status", q->status},
                                   {"owner", q->owner},
                                   {"sort", sort},
                                   {"page", number}};
    return site_link(req_pool(req), path, args, ARRAY_SIZE(args));
}

static void put_columns(struct site_request *req, json_t *view, const struct crm_query *q)
{
    static const char *const columns[][2] = {
        {"number", "No."},    {"name", "Name"},   {"company", "Company"}, {"email", "Email"},
        {"status", "Status"}, {"owner", "Owner"}, {"since", "Since"}};
    json_t *list = json_array();
    const char *sort = *q->sort ? q->sort : "name";
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        const char *key = columns[i][0];
        bool up = strcmp(sort, key) == 0, down = *sort == '-' && strcmp(sort + 1, key) == 0;
        const char *next = up ? pool_printf(req_pool(req), "-%s", key) : key;
        json_push(list, json_pack("{s:s,s:s,s:s,s:s}", "label", columns[i][1], "href",
                                  link_to(req, "/customers/", q, next, 1), "aria",
                                  up     ? "ascending"
                                  : down ? "descending"
                                         : "none",
                                  "arrow",
                                  up     ? "▲"
                                  : down ? "▼"
                                         : ""));
    }
    json_put(view, "columns", list);
}

static void put_pages(struct site_request *req, json_t *view, const struct crm_query *q, int page,
                      int n_pages)
{
    json_t *pages = json_array();
    for (int i = 1; i <= n_pages; i++)
        json_push(pages,
                  json_pack("{s:i,s:s,s:b}", "n", i, "href",
                            link_to(req, "/customers/", q, q->sort, i), "current", i == page));
    json_put(view, "pages", pages);
    json_put_bool(view, "paged", n_pages > 1);
    if (page > 1)
        json_put_str(view, "previous", link_to(req, "/customers/", q, q->sort, page - 1));
    if (page < n_pages)
        json_put_str(view, "next", link_to(req, "/customers/", q, q->sort, page + 1));
}

static void put_filters(struct site_request *req, json_t *view, const struct crm_query *q)
{
    json_put_str(view, "q", q->text);
    json_put_str(view, "sort", q->sort);
    json_put(view, "statuses", choices(crm_statuses, q->status));
    json_put(view, "owners", choices(crm_owners, q->owner));
    json_put_bool(view, "archived_only", strcmp(q->status, "Archived") == 0);
    json_put_str(view, "export", link_to(req, "/customers/export.csv", q, q->sort, 1));
}

static void note_query(json_t *to, const struct crm_query *q, int page)
{
    json_push(to, json_pack("{s:o,s:o,s:o,s:i}", "q", json_string_safe(q->text), "status",
                            json_string_safe(q->status), "owner", json_string_safe(q->owner),
                            "page", page));
    if (json_array_size(to) > CAP_SITE_RECORDS)
        json_array_remove(to, 0);
}

static void show_table(struct site_request *req)
{
    if (!crm_let_in(req))
        return;
    struct crm_query q = read_query(req);
    json_t *list = json_keep(req_pool(req), crm_select(crm_of(req), &q)), *rows = json_array();
    int n = (int)json_array_size(list), n_pages = n ? (n + CRM_PAGE - 1) / CRM_PAGE : 1;
    int page = (int)req_arg_int(req, "page", 1, n_pages, 1), first = (page - 1) * CRM_PAGE;
    int end = first + CRM_PAGE < n ? first + CRM_PAGE : n;
    json_t *view = base_view(req);
    for (int i = first; i < end; i++)
        json_array_append(rows, json_array_get(list, (size_t)i));
    json_put(view, "rows", rows);
    json_put_int(view, "total", n);
    json_put_int(view, "from", first + 1);
    json_put_int(view, "to", end);
    put_filters(req, view, &q);
    put_columns(req, view, &q);
    put_pages(req, view, &q, page, n_pages);
    note_query(crm_of(req)->lists, &q, page);
    site_log(req_site(req), "list", req_path(req), json_deep_copy(req_query(req)));
    req_reply_page(req, 200, "customers", view);
}

/* --- the file ------------------------------------------------------------------------------ */

static void add_csv(struct buf *b, const char *value, const char *end)
{
    buf_addc(b, '"');
    for (; *value; value++) {
        if (*value == '"')
            buf_addc(b, '"');
        buf_addc(b, *value);
    }
    buf_addf(b, "\"%s", end);
}

static void export(struct site_request *req)
{
    static const char *const columns[] = {"number", "name",   "company", "email",
                                          "phone",  "status", "owner",   "since"};
    if (!crm_let_in(req))
        return;
    struct crm_query q = read_query(req);
    json_t *list = json_keep(req_pool(req), crm_select(crm_of(req), &q)), *c;
    size_t i;
    struct buf b;
    buf_init(&b, CAP_SITE_PAGE_BYTES);
    buf_adds(&b, "number,name,company,email,phone,status,owner,since\r\n");
    json_array_foreach (list, i, c)
        for (size_t k = 0; k < ARRAY_SIZE(columns); k++)
            add_csv(&b, json_str(c, columns[k], ""), k + 1 < ARRAY_SIZE(columns) ? "," : "\r\n");
    note_query(crm_of(req)->exports, &q, 1);
    site_log(req_site(req), "export", req_path(req), json_deep_copy(req_query(req)));
    req_reply(req, 200, "text/csv; charset=utf-8", b.data, b.len);
    req_add_header(req, "Content-Disposition", "attachment; filename=\"customers.csv\"");
    buf_release(&b);
}

/* --- one customer -------------------------------------------------------------------------- */

static void show_customer(struct site_request *req, json_t *c)
{
    json_t *view = base_view(req);
    json_put(view, "c", json_deep_copy(c));
    json_put_int(view, "n_notes", (int64_t)json_array_size(json_object_get(c, "notes")));
    site_log(req_site(req), "view", req_path(req),
             json_pack("{s:I}", "id", (json_int_t)json_int(c, "id", 0)));
    req_reply_page(req, 200, "customer", view);
}

/* What a browser of this seed's pages is shown of a date: odd seeds write it the American way. */
static const char *date_shown(struct site_request *req, const char *iso)
{
    return crm_of(req)->soup && strlen(iso) == 10
               ? pool_printf(req_pool(req), "%.2s/%s/%.4s", iso + 5, iso + 8, iso)
               : iso;
}

static void show_form(struct site_request *req, json_t *c)
{
    json_t *view = base_view(req);
    json_put(view, "statuses", choices(crm_statuses, json_str(c, "status", "Lead")));
    json_put(view, "owners", choices(crm_owners, json_str(c, "owner", crm_owners[0])));
    json_put(view, "c", c ? json_deep_copy(c) : json_object());
    json_put_str(view, "since", date_shown(req, json_str(c, "since", "")));
    json_put_bool(view, "new", !c);
    req_reply_page(req, 200, "edit", view);
}

static void show_one(struct site_request *req)
{
    const char *rest;
    json_t *c = crm_find(crm_of(req), req_rest(req), &rest);
    if (!c || (strcmp(rest, "/") != 0 && strcmp(rest, "/edit") != 0))
        missing(req);
    else if (crm_let_in(req))
        (rest[1] ? show_form : show_customer)(req, c);
}

static void show_new(struct site_request *req)
{
    if (crm_let_in(req))
        show_form(req, NULL);
}

static void go_home(struct site_request *req)
{
    req_redirect(req, "/customers/");
}

static const struct site_route routes[] = {
    {SITE_GET, "/", go_home},
    {SITE_GET, "/login", crm_show_login},
    {SITE_POST, "/login", crm_take_login},
    {SITE_GET, "/login/code", crm_show_code},
    {SITE_POST, "/login/code", crm_take_code},
    {SITE_POST, "/login/resend", crm_resend},
    {SITE_POST, "/logout", crm_sign_out},
    {SITE_GET, "/customers/", show_table},
    {SITE_GET, "/customers/export.csv", export},
    {SITE_GET, "/customers/new", show_new},
    {SITE_GET, "/customers/*", show_one},
    {SITE_POST, "/api/customers", crm_create_one},
    {SITE_POST, "/api/customers/bulk", crm_bulk},
    {SITE_POST, "/api/customers/*", crm_change},
    {0, NULL, NULL},
};

const struct site_kind site_crm = {
    .name = "crm",
    .about = "customers behind a password and a code: table, edit form, notes, dialogs, export",
    .routes = routes,
    .tasks = crm_tasks,
    .grade = crm_grade,
    .rows = crm_rows,
    .create = create,
    .missing = missing,
    .controls = crm_controls,
};
