#include "gate/screenshots.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <limits.h>
#include <math.h>
#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "gate/report.h"
#include "sys/file.h"

#define MATCH_LIMIT 1000000 /* steps of one search: an expression must not hold the benchmark up */

/* --- reading ------------------------------------------------------------------------------------ */

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Signature, length and name of the first chunk, and then its two sides. */
bool screenshot_size(const void *data, size_t len, int *ret_width, int *ret_height)
{
    const uint8_t *at = data;
    if (len < SCREENSHOT_HEAD_BYTES || memcmp(at, "\x89PNG\r\n\x1a\n", 8) || memcmp(at + 12, "IHDR", 4))
        return false;
    uint32_t width = big_endian(at + 16), height = big_endian(at + 20);
    *ret_width = (int)width;
    *ret_height = (int)height;
    return width >= 1 && height >= 1 && width <= CAP_SCREEN_SIDE_PX && height <= CAP_SCREEN_SIDE_PX;
}

int screenshot_lines_read(struct pool *pool, const char *path, json_t **out, struct err *err)
{
    char *data, *line;
    size_t len;
    int r = file_read(pool, path, CAP_GATE_FILE_BYTES, &data, &len, err);
    json_t *lines = json_keep(pool, json_array()), *value;
    for (int number = 1; !r && (line = strsep(&data, "\n")); number++) {
        if (str_empty(line))
            continue;
        r = json_parse(line, strlen(line), pool_printf(pool, "%s line %d", path, number), &value, err);
        if (!r)
            json_push(lines, value);
        if (!r && !json_is_object(value))
            r = err_set(err, E_INVALID, "%s line %d: must be an object", path, number);
    }
    if (!r)
        *out = lines;
    return r;
}

static int read_regions(struct pool *pool, const json_t *obj, const char *key, const struct region **out, size_t *ret_n,
                        struct err *err)
{
    static const char *const corners[] = {"x1", "y1", "x2", "y2"};
    const json_t *list = json_object_get(obj, key);
    if (list && !json_is_null(list) && !json_is_array(list))
        return err_set(err, E_INVALID, "'%s' must be a list of {\"x1\", \"y1\", \"x2\", \"y2\"}", key);
    struct region *regions = pool_alloc(pool, (json_array_size(list) + 1) * sizeof(*regions));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        double *values[] = {&regions[i].x1, &regions[i].y1, &regions[i].x2, &regions[i].y2};
        regions[i].label = json_str(entry, "label", "");
        for (size_t k = 0; k < ARRAY_SIZE(corners); k++) {
            if (!json_is_number(json_object_get(entry, corners[k])))
                return err_set(err, E_INVALID, "%s[%zu]: '%s' must be a number", key, i, corners[k]);
            *values[k] = json_num(entry, corners[k], 0);
        }
    }
    *out = regions;
    *ret_n = json_array_size(list);
    return 0;
}

static int read_size(const json_t *obj, struct screenshot_case *c, struct err *err)
{
    const json_t *size = json_object_get(obj, "screen_size");
    json_int_t w = json_integer_value(json_array_get(size, 0)), h = json_integer_value(json_array_get(size, 1));
    c->width = 1280;
    c->height = 720;
    if (!size || json_is_null(size))
        return 0;
    if (json_array_size(size) != 2 || w < 1 || h < 1 || w > CAP_SCREEN_SIDE_PX || h > CAP_SCREEN_SIDE_PX)
        return err_set(err, E_INVALID, "'screen_size' must be [width, height] in pixels, each 1 to %d", CAP_SCREEN_SIDE_PX);
    c->width = (int)w;
    c->height = (int)h;
    return 0;
}

static pcre2_code *compiled(const char *regex, struct err *err)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR words[120];
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_UTF,
                                   &code, &at, NULL);
    if (re)
        return re;
    pcre2_get_error_message(code, words, sizeof(words));
    err_set(err, E_INVALID, "'expected_text_regex': %s at character %zu", (const char *)words, (size_t)at);
    return NULL;
}

static int check_regex(const struct screenshot_case *c, struct err *err)
{
    pcre2_code *re = *c->regex ? compiled(c->regex, err) : NULL;
    bool bad = *c->regex && !re;
    pcre2_code_free(re);
    return bad ? E_INVALID : 0;
}

static int read_case(struct pool *pool, const json_t *obj, json_t *seen, struct screenshot_case *c, struct err *err)
{
    *c = (struct screenshot_case){.id = "", .image = "", .task = "", .action_type = "", .regex = "",
                                  .tags = json_object_get(obj, "tags")};
    const struct {
        const char *key, **value;
    } texts[] = {{"id", &c->id}, {"image", &c->image}, {"task", &c->task}, {"expected_action_type", &c->action_type},
                 {"expected_text_regex", &c->regex}};
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(texts); i++)
        r = json_read_string(obj, texts[i].key, texts[i].value, err);
    if (!r && (!*c->id || json_object_get(seen, c->id)))
        r = err_set(err, E_INVALID, "'id' must be there and unique, not \"%.80s\"", c->id);
    if (!r)
        json_put(seen, c->id, json_true());
    r = r ? r : read_regions(pool, obj, "allowed_regions", &c->allowed, &c->n_allowed, err);
    r = r ? r : read_regions(pool, obj, "forbidden_regions", &c->forbidden, &c->n_forbidden, err);
    r = r ? r : read_size(obj, c, err);
    return r ? r : check_regex(c, err);
}

int screenshot_cases_parse(struct pool *pool, const json_t *lines, const char *what, struct screenshot_cases *out,
                           struct err *err)
{
    size_t n = json_array_size(lines);
    json_t *seen = json_keep(pool, json_object());
    struct screenshot_case *cases = pool_alloc(pool, (n + 1) * sizeof(*cases));
    if (n == 0)
        return err_set(err, E_INVALID, "%s: there is no case in it", what);
    for (size_t i = 0; i < n; i++)
        if (read_case(pool, json_array_get(lines, i), seen, &cases[i], err))
            return err_prefix(err, "%s: case %zu", what, i + 1);
    *out = (struct screenshot_cases){cases, n};
    return 0;
}

static const char *either(const json_t *obj, const char *first, const char *second)
{
    const char *text = json_str(obj, first, "");
    return *text ? text : json_str(obj, second, "");
}

struct prediction screenshot_prediction(const json_t *line)
{
    const json_t *params = json_object_get(line, "params");
    params = params ? params : json_object_get(line, "action_params");
    const json_t *x = json_object_get(params, "x"), *y = json_object_get(params, "y");
    return (struct prediction){.action_type = either(line, "action_type", "type"),
                               .text = either(line, "text", "raw_output"),
                               .has_point = json_is_number(x) && json_is_number(y),
                               .x = json_number_value(x), .y = json_number_value(y)};
}

/* --- judging ------------------------------------------------------------------------------------ */

static bool inside(const struct region *r, const struct prediction *p)
{
    return p->x >= fmin(r->x1, r->x2) && p->x <= fmax(r->x1, r->x2) && p->y >= fmin(r->y1, r->y2) &&
           p->y <= fmax(r->y1, r->y2);
}

static bool inside_any(const struct region *regions, size_t n, const struct prediction *p)
{
    for (size_t i = 0; p->has_point && i < n; i++)
        if (inside(&regions[i], p))
            return true;
    return false;
}

static bool text_matches(const char *regex, const char *text)
{
    pcre2_code *re = compiled(regex, NULL);
    pcre2_match_data *match = re ? pcre2_match_data_create_from_pattern(re, NULL) : NULL;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    bool found = false;
    if (match && limits) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        found = pcre2_match(re, (PCRE2_SPTR)text, strlen(text), 0, 0, match, limits) >= 0;
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(match);
    pcre2_code_free(re);
    return found;
}

struct screenshot_result screenshot_judge(const struct screenshot_case *c, const struct prediction *p)
{
    struct screenshot_result r = {.of = c, .passed = true, .error = ""};
    const bool asked[SCREENSHOT_CHECKS] = {
        [CHECK_PREDICTION] = true,
        [CHECK_TYPE] = *c->action_type != '\0',
        [CHECK_ALLOWED] = c->n_allowed > 0,
        [CHECK_FORBIDDEN] = c->n_forbidden > 0,
        [CHECK_TEXT] = *c->regex != '\0',
    };
    const bool held[SCREENSHOT_CHECKS] = {
        [CHECK_PREDICTION] = p != NULL,
        [CHECK_TYPE] = p && strcmp(p->action_type, c->action_type) == 0,
        [CHECK_ALLOWED] = p && inside_any(c->allowed, c->n_allowed, p),
        [CHECK_FORBIDDEN] = p && !inside_any(c->forbidden, c->n_forbidden, p),
        [CHECK_TEXT] = p && asked[CHECK_TEXT] && text_matches(c->regex, p->text),
    };
    for (int i = 0; i < SCREENSHOT_CHECKS; i++) {
        r.asked[i] = asked[i];
        r.held[i] = asked[i] && held[i];
        r.passed = r.passed && (!asked[i] || held[i]);
    }
    return r;
}

/* --- as JSON ------------------------------------------------------------------------------------ */

static const char *const check_names[SCREENSHOT_CHECKS] = {
    [CHECK_PREDICTION] = "prediction_present", [CHECK_TYPE] = "action_type", [CHECK_ALLOWED] = "allowed_region",
    [CHECK_FORBIDDEN] = "forbidden_region",    [CHECK_TEXT] = "text",
};

json_t *screenshot_result_json(const struct screenshot_result *r)
{
    json_t *doc = json_object(), *checks = json_object();
    for (int i = 0; i < SCREENSHOT_CHECKS; i++)
        if (r->asked[i])
            json_put_bool(checks, check_names[i], r->held[i]);
    json_put_str(doc, "id", r->of->id);
    json_put_bool(doc, "passed", r->passed);
    json_put(doc, "checks", checks);
    json_put(doc, "tags", r->of->tags ? json_incref((json_t *)r->of->tags) : json_array());
    if (*r->error)
        json_put(doc, "error", json_string_safe(r->error));
    return doc;
}

static void add_to(json_t *by_tag, const char *tag, bool passed)
{
    json_t *t = json_object_get(by_tag, tag);
    if (!t) {
        t = json_pack("{s:i,s:i}", "total", 0, "passed", 0);
        json_put(by_tag, tag, t);
    }
    json_put_int(t, "total", json_int(t, "total", 0) + 1);
    json_put_int(t, "passed", json_int(t, "passed", 0) + passed);
    json_put_num(t, "pass_rate", rate4((double)json_int(t, "passed", 0) / (double)json_int(t, "total", 1)));
}

static void add_tags(json_t *by_tag, const struct screenshot_result *r)
{
    size_t i;
    json_t *tag;
    json_array_foreach ((json_t *)r->of->tags, i, tag)
        if (json_is_string(tag))
            add_to(by_tag, json_string_value(tag), r->passed);
    if (json_array_size(r->of->tags) == 0)
        add_to(by_tag, "untagged", r->passed);
}

json_t *screenshot_summary_json(const struct screenshot_result *results, size_t n)
{
    json_t *by_tag = json_object();
    int passed = 0;
    for (size_t i = 0; i < n; i++) {
        passed += results[i].passed;
        add_tags(by_tag, &results[i]);
    }
    return json_pack("{s:i,s:i,s:i,s:f,s:o}", "total", (int)n, "passed", passed, "failed", (int)n - passed, "pass_rate",
                     n ? rate4((double)passed / (double)n) : 0.0, "by_tag", by_tag);
}
