#include "reader/fields.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "reader/words.h"

#define FIELD_LONG_BYTES  4000 /* descriptions */
#define FIELD_SHORT_BYTES 160  /* everything else */

struct meaning_row {
    const char *const *labels; /* plain: names of fields and labels on pages alike */
    const char *const *properties;
    enum pattern pattern;
};

/* clang-format off */
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct meaning_row rows[MEANS_N] = {
    [MEANS_OTHER] = {LIST(NULL), LIST(NULL), PATTERN_NONE},
    [MEANS_PHONE] = {LIST("phone", "phone number", "telephone", "telephone number", "tel", "mobile", "mobile number", "mobile phone",
        "cell", "cell phone", "call", "call us", "contact phone", "contact number", "seller phone", "telefon", "telefonnummer", "handy", "mobil",
        "téléphone", "tél", "portable", "teléfono", "móvil", "telefone", "telefono", "cellulare", "telefoon", "телефон", "電話", "电话",
        "טלפון", "هاتف", "الهاتف", "رقم الهاتف"),
        LIST("telephone", "offers.seller.telephone", "seller.telephone", "offeredBy.telephone", "offers.offeredBy.telephone", "contactPoint.telephone",
             "author.telephone", "provider.telephone"), PATTERN_PHONE},
    [MEANS_PRICE] = {LIST("price", "asking price", "sale price", "current price", "our price", "list price", "total price", "cost", "amount",
        "rent", "asking", "preis", "kaufpreis", "verkaufspreis", "prix", "precio", "preço", "prezzo", "prijs", "cena", "pris", "цена", "価格", "价格",
        "מחיר", "السعر"),
        LIST("offers.price", "price", "offers.priceSpecification.price", "offers.lowPrice", "lowPrice", "priceSpecification.price", "baseSalary.value.value"),
        PATTERN_PRICE},
    [MEANS_YEAR] = {LIST("year", "model year", "year built", "year of manufacture", "production year", "build year", "manufacture year",
        "baujahr", "modelljahr", "erstzulassung", "année", "année modèle", "año", "ano", "anno", "bouwjaar", "rok produkcji", "årsmodell", "год",
        "год выпуска", "年式", "年份", "שנה", "שנת ייצור", "السنة", "سنة الصنع"),
        LIST("vehicleModelDate", "modelDate", "productionDate", "releaseDate"), PATTERN_YEAR},
    [MEANS_MAKE] = {LIST("make", "brand", "manufacturer", "car make", "marke", "hersteller", "marque", "fabricant", "marca", "fabricante",
        "merk", "marka", "märke", "марка", "メーカー", "品牌", "יצרן", "الماركة", "الشركة المصنعة"),
        LIST("brand.name", "brand", "manufacturer.name", "manufacturer"), PATTERN_NONE},
    [MEANS_MODEL] = {LIST("model", "model name", "modell", "modèle", "modelo", "modello", "модель", "モデル", "型号", "דגם", "الموديل", "الطراز"),
        LIST("model.name", "model"), PATTERN_NONE},
    [MEANS_TITLE] = {LIST("title", "name", "headline", "heading", "listing title", "product name", "item name", "job title", "titel", "titre",
        "título", "titolo", "заголовок", "название", "כותרת", "العنوان الرئيسي"),
        LIST("name", "headline", "title"), PATTERN_NONE},
    [MEANS_URL] = {LIST("url", "link", "page url", "listing url", "detail url", "item url", "product url", "source url", "href", "permalink"),
        LIST(NULL), PATTERN_NONE},
    [MEANS_EMAIL] = {LIST("email", "e-mail", "e mail", "mail", "email address", "e-mail address", "contact email", "correo", "correo electrónico",
        "courriel", "адрес электронной почты", "メール", "邮箱", "אימייל", "البريد الإلكتروني"),
        LIST("email", "offers.seller.email", "seller.email", "contactPoint.email", "author.email"), PATTERN_EMAIL},
    [MEANS_SELLER] = {LIST("seller", "seller name", "sold by", "posted by", "listed by", "offered by", "dealer", "dealer name", "dealership",
        "vendor", "vendor name", "company", "company name", "employer", "contact name", "owner", "advertiser", "seller information", "seller info",
        "seller details", "about the seller", "verkäufer", "anbieter", "händler", "vendeur", "annonceur", "vendedor", "anunciante", "venditore",
        "verkoper", "sprzedawca", "säljare", "продавец", "出品者", "卖家", "מוכר", "البائع"),
        LIST("offers.seller.name", "seller.name", "offeredBy.name", "offers.offeredBy.name", "hiringOrganization.name", "author.name", "provider.name",
             "seller", "author"), PATTERN_NONE},
    [MEANS_LOCATION] = {LIST("location", "address", "city", "place", "located in", "item location", "region", "area", "standort", "ort", "adresse",
        "lieu", "localisation", "ville", "ubicación", "ciudad", "localização", "cidade", "località", "luogo", "locatie", "plaats", "lokalizacja",
        "plats", "город", "местоположение", "所在地", "地点", "מיקום", "עיר", "الموقع", "المدينة"),
        LIST("address", "offers.availableAtOrFrom.address", "availableAtOrFrom.address", "jobLocation.address", "location.address", "location.name", "location",
             "offers.seller.address", "seller.address"), PATTERN_NONE},
    [MEANS_RATING] = {LIST("rating", "stars", "average rating", "customer rating", "review score", "bewertung", "note", "calificación", "valoración",
        "avaliação", "valutazione", "beoordeling", "ocena", "рейтинг", "評価", "评分", "דירוג", "التقييم"),
        LIST("aggregateRating.ratingValue", "ratingValue", "reviewRating.ratingValue"), PATTERN_RATING},
    [MEANS_MILEAGE] = {LIST("mileage", "odometer", "miles", "kilometers", "kilometres", "distance driven", "km", "kilometerstand", "laufleistung",
        "kilométrage", "kilometraje", "quilometragem", "chilometraggio", "kilometrage", "przebieg", "miltal", "пробег", "走行距離", "里程",
        "קילומטראז'", "قراءة العداد"),
        LIST("mileageFromOdometer.value", "mileageFromOdometer"), PATTERN_DISTANCE},
    [MEANS_DATE] = {LIST("date", "posted", "posted on", "date posted", "posted at", "published", "published on", "listed on", "listed", "date listed",
        "listing date", "updated", "last updated", "datum", "veröffentlicht", "eingestellt am", "publié le", "fecha", "publicado", "data", "pubblicato",
        "дата", "掲載日", "发布日期", "תאריך", "التاريخ"),
        LIST("datePosted", "datePublished", "startDate", "dateCreated", "uploadDate", "offers.validFrom"), PATTERN_NONE},
    [MEANS_DESCRIPTION] = {LIST("description", "about", "summary", "details", "about this item", "product description", "job description",
        "seller's description", "beschreibung", "description du bien", "descripción", "descrição", "descrizione", "omschrijving", "beschrijving",
        "opis", "beskrivning", "описание", "説明", "描述", "תיאור", "الوصف"),
        LIST("description", "articleBody", "reviewBody"), PATTERN_NONE},
    [MEANS_IMAGE] = {LIST("image", "photo", "picture", "image url", "photo url", "thumbnail", "img"),
        LIST("image.url", "image.contentUrl", "image", "thumbnailUrl"), PATTERN_NONE},
    [MEANS_OLD_PRICE] = {LIST("old price", "original price", "previous price", "was price", "regular price", "former price",
        "price before", "crossed out price", "struck price", "strike price", "msrp", "rrp", "uvp", "alter preis", "ancien prix",
        "precio anterior", "precio original"), LIST(NULL), PATTERN_PRICE},
};
/* clang-format on */

/* Qualifiers that make another price of it: found by its own label only. */
static const char *const other_prices[] = {
    "shipping", "delivery", "deposit", "monthly", "weekly",   "daily",   "min",  "minimum", "max",
    "maximum",  "average",  "unit",    "start",   "starting", "reserve", "down", "tax",     NULL};

/* Fields that want the town out of "Austin, TX". */
static const char *const towns[] = {"city",   "town",   "ort",          "stadt",  "ville",
                                    "ciudad", "cidade", "citt\xC3\xA0", "plaats", NULL};

static bool in_list(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static enum meaning meaning_of_phrase(const char *plain)
{
    for (int m = MEANS_OTHER + 1; m < MEANS_N; m++)
        if (in_list(rows[m].labels, plain))
            return (enum meaning)m;
    return MEANS_OTHER;
}

enum meaning field_meaning(struct pool *pool, const struct field *field)
{
    const char *plain = words_split(pool, field->name);
    enum meaning m = meaning_of_phrase(plain);
    const char *last = strrchr(plain, ' '), *first = pool_strndup(pool, plain, strcspn(plain, " "));
    if (m == MEANS_OTHER && last)
        m = meaning_of_phrase(last + 1);
    if (last && (m == MEANS_TITLE || m == MEANS_PRICE) && meaning_of_phrase(plain) == MEANS_OTHER &&
        (m == MEANS_TITLE || in_list(other_prices, first)))
        return MEANS_OTHER;
    if (m == MEANS_OTHER && last) {
        m = meaning_of_phrase(first);
        /* "price_usd" is a price, but "company_size" is no company and "year_round" no year. */
        if (m != MEANS_PRICE && m != MEANS_PHONE && m != MEANS_MILEAGE && m != MEANS_EMAIL)
            m = MEANS_OTHER;
    }
    return m;
}

enum meaning field_meaning_in(struct pool *pool, const struct field *field, const char *entity)
{
    enum meaning m = field_meaning(pool, field);
    const char *plain = words_split(pool, field->name), *last = strrchr(plain, ' ');
    if (m == MEANS_OTHER && strcmp(plain, words_split(pool, entity)) == 0)
        return MEANS_TITLE;
    if (m != MEANS_OTHER || !last || meaning_of_phrase(last + 1) != MEANS_TITLE)
        return m;
    const char *owner = pool_strndup(pool, plain, (size_t)(last - plain));
    return strcmp(owner, words_split(pool, entity)) == 0 ? MEANS_TITLE : m;
}

enum pattern meaning_pattern(enum meaning meaning)
{
    return rows[meaning].pattern;
}

const char *const *meaning_properties(enum meaning meaning)
{
    return rows[meaning].properties;
}

double field_label_match(struct pool *pool, const struct field *field, enum meaning meaning,
                         const char *plain)
{
    const char *own = words_plain(pool, field->label);
    if (!*plain || strlen(plain) > 60)
        return 0;
    if (strchr(plain, '_'))
        plain = words_split(pool, plain); /* a form's own key: "full_name" */
    if (strcmp(own, plain) == 0)
        return 1;
    enum meaning theirs = meaning_of_phrase(plain);
    if (theirs != MEANS_OTHER)
        return theirs == meaning ? 0.95 : 0;
    int extra = words_count(plain) - words_count(own);
    if (words_all_in(own, plain) && extra <= 2)
        return extra <= 1 ? 0.85 : 0.75;
    for (const char *const *l = rows[meaning].labels; *l; l++) {
        extra = words_count(plain) - words_count(*l);
        if (extra >= 0 && extra <= 2 && words_has(plain, *l))
            return rows[meaning].pattern != PATTERN_NONE ? 0.7 : extra <= 1 ? 0.6 : 0;
    }
    return 0;
}

bool field_is_labelled(enum meaning meaning, const char *own, const char *plain)
{
    if (!*plain || strlen(plain) > 60)
        return false;
    return strcmp(own, plain) == 0 ||
           (in_list(rows[meaning].labels, plain) && meaning_of_phrase(plain) == meaning);
}

bool meaning_named(enum meaning meaning, const char *plain)
{
    for (const char *const *l = rows[meaning].labels; *l; l++)
        if (words_has(plain, *l))
            return true;
    return false;
}

static const char *shaped(struct pool *pool, enum meaning meaning, const char *text, bool labelled)
{
    enum pattern p = rows[meaning].pattern;
    const char *hit = pattern_first(pool, p, text);
    if (hit || !labelled)
        return hit;
    if (meaning == MEANS_PRICE || meaning == MEANS_MILEAGE || meaning == MEANS_RATING)
        return pattern_is(PATTERN_NUMBER, text) ? pattern_first(pool, PATTERN_NUMBER, text) : NULL;
    return NULL;
}

/* "1 day ago", "today": when something happened, in relation to now. */
static bool is_age(struct pool *pool, const char *value)
{
    const char *plain = words_plain(pool, value);
    return words_count(plain) <= 5 &&
           (words_has(plain, "ago") || words_has(plain, "today") || words_has(plain, "yesterday") ||
            words_has(plain, "just now") || words_has(plain, "heute") ||
            words_has(plain, "gestern") || str_starts(plain, "vor ") ||
            str_starts(plain, "il y a ") || str_starts(plain, "hace "));
}

/* The town of "Austin, TX"; NULL when it cannot be told from the rest. */
static const char *town(struct pool *pool, const char *value)
{
    if (pattern_first(pool, PATTERN_PLACE, value))
        return pool_strndup(pool, value, strcspn(value, ","));
    return strpbrk(value, ",0123456789") ? NULL : value;
}

static bool wants_town(struct pool *pool, const struct field *field)
{
    const char *plain = words_split(pool, field->name), *last = strrchr(plain, ' ');
    return in_list(towns, last ? last + 1 : plain);
}

/* What free text has to be for its meaning: no seller is called "1 day ago", and no date is a word
 * or a bare year. */
static const char *fitting(struct pool *pool, const struct field *field, enum meaning meaning,
                           const char *value)
{
    bool age = is_age(pool, value);
    if (meaning == MEANS_DATE)
        return age || (strpbrk(value, "0123456789") && !pattern_is(PATTERN_YEAR, value) &&
                       !pattern_is(PATTERN_PRICE, value))
                   ? value
                   : NULL;
    if (age && (meaning == MEANS_SELLER || meaning == MEANS_MAKE || meaning == MEANS_MODEL ||
                meaning == MEANS_LOCATION))
        return NULL;
    return meaning == MEANS_LOCATION && wants_town(pool, field) ? town(pool, value) : value;
}

const char *field_text(struct pool *pool, const struct field *field, enum meaning meaning,
                       const char *text, bool labelled)
{
    const char *value = str_squash(pool, text);
    size_t cap = meaning == MEANS_DESCRIPTION ? FIELD_LONG_BYTES : FIELD_SHORT_BYTES;
    if (rows[meaning].pattern != PATTERN_NONE)
        value = shaped(pool, meaning, value, labelled);
    else if (field->type == FIELD_INT || field->type == FIELD_FLOAT)
        value = pattern_first(pool, PATTERN_PRICE, value)
                    ? pattern_first(pool, PATTERN_PRICE, value)
                    : pattern_first(pool, PATTERN_NUMBER, value);
    else
        value = fitting(pool, field, meaning, value);
    if (!value || schema_is_placeholder(value) ||
        (strlen(value) > cap && meaning != MEANS_DESCRIPTION))
        return NULL;
    return str_cut(pool, value, cap);
}

bool field_same(struct pool *pool, enum meaning meaning, const char *a, const char *b)
{
    double x, y;
    if (meaning == MEANS_PHONE) {
        const char *da = pattern_digits(pool, a), *db = pattern_digits(pool, b);
        size_t la = strlen(da), lb = strlen(db), n = la < lb ? la : lb;
        return n >= 7 && strcmp(da + la - n, db + lb - n) == 0;
    }
    if (meaning == MEANS_PRICE || meaning == MEANS_OLD_PRICE || meaning == MEANS_MILEAGE ||
        meaning == MEANS_RATING || meaning == MEANS_YEAR)
        return pattern_number(a, &x) && pattern_number(b, &y) && fabs(x - y) < 0.005;
    return strcmp(words_plain(pool, a), words_plain(pool, b)) == 0;
}
