#include "cmd/table.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"

#define ELLIPSIS  "\xE2\x80\xA6"
#define GAP       2
#define MIN_WIDTH 4 /* narrowest a column is cut to */
#define TEXT_CAP  (256u << 20)

int table_terminal_width(int fd)
{
    struct winsize ws;
    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 ? ws.ws_col : 80;
}

bool table_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* Width of one character; the process keeps the "C" locale, so ask with another one. */
static int char_width(wchar_t c)
{
    static locale_t utf8;
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return 1;
    locale_t before = uselocale(utf8);
    int w = wcwidth(c);
    uselocale(before);
    return w < 0 ? 1 : w;
}

/* One character of UTF-8 at *p, which is moved on; U+FFFD for broken bytes. */
static wchar_t next_char(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    int n = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 0;
    wchar_t c = n == 1 ? s[0] : n ? s[0] & (0x7F >> n) : 0xFFFD;
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            *p += 1;
            return 0xFFFD;
        }
        c = c << 6 | (s[i] & 0x3F);
    }
    *p += n ? n : 1;
    return c;
}

static bool is_control(wchar_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

int table_text_width(const char *text)
{
    int width = 0;
    while (*text) {
        wchar_t c = next_char(&text);
        width += is_control(c) ? 1 : char_width(c);
    }
    return width;
}

char *table_clean(struct pool *pool, const char *text, int width)
{
    struct buf b;
    buf_init(&b, TEXT_CAP);
    bool cut = width > 0 && table_text_width(text) > width;
    for (int used = 0; *text;) {
        const char *start = text;
        wchar_t c = next_char(&text);
        int w = is_control(c) ? 1 : char_width(c);
        if (cut && used + w > width - 1)
            break;
        used += w;
        if (is_control(c))
            buf_addc(&b, ' ');
        else if (c == 0xFFFD)
            buf_adds(&b, "\xEF\xBF\xBD");
        else
            buf_add(&b, start, (size_t)(text - start));
    }
    if (cut)
        buf_adds(&b, ELLIPSIS);
    char *out = pool_strdup(pool, b.data ? b.data : "");
    buf_release(&b);
    return out;
}

json_t *table_columns(struct pool *pool, const json_t *first, const json_t *rows)
{
    json_t *seen = json_keep(pool, json_object()), *columns = json_keep(pool, json_array()), *row,
           *v;
    const char *key;
    size_t i;
    json_array_foreach ((json_t *)first, i, v)
        json_object_set_new(seen, json_string_value(v), json_true());
    json_array_foreach ((json_t *)rows, i, row) {
        json_object_foreach (row, key, v)
            json_object_set_new(seen, key, json_true());
    }
    json_object_foreach (seen, key, v)
        json_push(columns, json_string(key));
    return columns;
}

static const char *cell_text(struct pool *pool, const json_t *row, const char *key)
{
    return table_clean(pool, json_as_text(pool, json_object_get(row, key)), 0);
}

/* "12", "-3.5", "$12,500", "40 %": digits with what people put around and between them. */
static bool is_number(const char *s)
{
    bool digits = false;
    s += strspn(s, "+-$ ");
    if (strncmp(s, "\xE2\x82\xAC", 3) == 0) /* euro sign */
        s += 3;
    for (; *s && strchr("0123456789,. ", *s); s++)
        digits = digits || (*s >= '0' && *s <= '9');
    s += strspn(s, "% ");
    return digits && !*s;
}

struct column {
    const char *key;
    int width;
    bool right;
    const char **cells; /* one per row */
};

static void measure(struct pool *pool, struct column *c, const json_t *rows)
{
    size_t i, numbers = 0, filled = 0;
    json_t *row;
    c->width = table_text_width(c->key);
    c->cells = pool_alloc(pool, sizeof(*c->cells) * (json_array_size(rows) + 1));
    json_array_foreach ((json_t *)rows, i, row) {
        const char *text = cell_text(pool, row, c->key);
        int w = table_text_width(text);
        c->cells[i] = text;
        c->width = w > c->width ? w : c->width;
        filled += *text != 0;
        numbers += is_number(text);
    }
    c->right = filled > 0 && numbers == filled;
}

/* Take cells from the widest column until a line fits or nothing can be cut any more. */
static void fit(struct column *columns, size_t n, int width)
{
    int total = -GAP;
    for (size_t i = 0; i < n; i++)
        total += columns[i].width + GAP;
    while (total > width) {
        struct column *widest = &columns[0];
        for (size_t i = 1; i < n; i++)
            if (columns[i].width > widest->width)
                widest = &columns[i];
        if (widest->width <= MIN_WIDTH)
            return;
        widest->width--;
        total--;
    }
}

static void add_cell(struct pool *pool, struct buf *b, const struct column *c, const char *text,
                     bool last)
{
    const char *cut = table_clean(pool, text, c->width);
    int pad = c->width - table_text_width(cut);
    for (int i = 0; c->right && i < pad; i++)
        buf_addc(b, ' ');
    buf_adds(b, cut);
    for (int i = 0; !last && i < (c->right ? 0 : pad) + GAP; i++)
        buf_addc(b, ' ');
}

static void add_line(struct pool *pool, struct buf *b, const struct column *columns, size_t n,
                     const size_t *row)
{
    for (size_t i = 0; i < n; i++)
        add_cell(pool, b, &columns[i], row ? columns[i].cells[*row] : columns[i].key, i + 1 == n);
    buf_addc(b, '\n');
}

char *table_text(struct pool *pool, const json_t *keys, const json_t *rows, int width)
{
    struct buf b;
    if (!keys)
        keys = table_columns(pool, NULL, rows);
    size_t n = json_array_size(keys);
    struct column *columns = pool_alloc(pool, sizeof(*columns) * (n + 1));
    for (size_t i = 0; i < n; i++) {
        columns[i].key = json_string_value(json_array_get(keys, i));
        measure(pool, &columns[i], rows);
    }
    if (width > 0 && n)
        fit(columns, n, width);
    buf_init(&b, TEXT_CAP);
    add_line(pool, &b, columns, n, NULL);
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_line(pool, &b, columns, n, &i);
    char *out = pool_strdup(pool, b.data ? b.data : "");
    buf_release(&b);
    return out;
}

void progress_line_init(struct progress_line *line, FILE *out)
{
    *line = (struct progress_line){.out = out, .width = table_terminal_width(fileno(out))};
}

void progress_line_show(struct progress_line *line, const char *text)
{
    if (!line->width)
        return;
    struct pool *pool = pool_create(NULL);
    int below = 0;
    char *rest = pool_strdup(pool, text);
    for (char *one; (one = strsep(&rest, "\n")); below += rest != NULL)
        fprintf(line->out, "\r%s\033[K%s", table_clean(pool, one, line->width - 1),
                rest ? "\n" : "");
    fputs("\033[J\r", line->out);
    if (below)
        fprintf(line->out, "\033[%dA", below);
    fflush(line->out);
    pool_destroy(pool);
}

void progress_line_clear(struct progress_line *line)
{
    if (!line->width)
        return;
    fputs("\r\033[J", line->out);
    fflush(line->out);
}
