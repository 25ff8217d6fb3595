#include "reader/words.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* Plain form: lower case, no punctuation at the ends. Symbols that are whole names ("›") are kept.
 * Order inside a list says nothing. */
/* clang-format off */
static const char *const sponsored[] = {
    "sponsored", "ad", "ads", "promoted", "advertisement", "advertiser", "paid placement", "featured ad",
    "sponsored listing", "sponsored result", "promoted listing", "partner offer",
    "anzeige", "gesponsert", "werbung", "sponsorisé", "annonce sponsorisée", "publicité", "patrocinado",
    "anuncio", "publicidad", "promocionado", "sponsorizzato", "annuncio sponsorizzato", "gesponsord", "advertentie",
    "reklama", "sponsorowane", "реклама", "спонсорское", "広告", "スポンサー", "广告", "廣告", "광고", "ממומן", "إعلان", "ممول", NULL};
static const char *const next_page[] = {
    "next", "next page", "next results", "go to next page", "next »", "next ›", "next >", "next →", "older posts",
    "›", "»", ">", ">>", "→", "❯", "▶", "⟩",
    "weiter", "nächste", "nächste seite", "suivant", "suivante", "page suivante", "siguiente", "página siguiente",
    "próxima", "próximo", "próxima página", "seguinte", "avanti", "successiva", "pagina successiva", "prossima",
    "volgende", "volgende pagina", "następna", "dalej", "następna strona", "nästa", "neste", "næste", "seuraava",
    "вперёд", "вперед", "следующая", "далее", "sonraki", "次へ", "次のページ", "下一页", "下一頁", "다음",
    "הבא", "העמוד הבא", "التالي", "الصفحة التالية", NULL};
static const char *const more_results[] = {
    "load more", "show more", "more results", "show more results", "load more results", "view more", "see more results",
    "mehr laden", "mehr anzeigen", "weitere ergebnisse", "weitere laden", "voir plus", "charger plus", "afficher plus",
    "ver más", "cargar más", "mostrar más", "carregar mais", "ver mais", "carica altri", "mostra altri", "meer laden",
    "показать ещё", "показать еще", "もっと見る", "加载更多", "더 보기", "טען עוד", "عرض المزيد", NULL};
static const char *const try_again[] = {
    "try again", "retry", "load again", "reload", "erneut versuchen", "nochmal versuchen", "réessayer", "reintentar",
    "intentar de nuevo", "tentar novamente", "riprova", "opnieuw proberen", "spróbuj ponownie", "försök igen", "повторить",
    "再試行", "重试", "다시 시도", "נסה שוב", "أعد المحاولة", NULL};
static const char *const not_pages[] = {
    "slide", "image", "photo", "picture", "month", "week", "day", "year", "video", "step", "item in carousel", "testimonial",
    "bild", "foto", "diapositive", "imagen", "mois", "monat", NULL};
static const char *const reject[] = {
    "reject all", "reject", "reject cookies", "reject all cookies", "decline", "decline all", "deny", "deny all", "refuse",
    "only necessary", "necessary only", "necessary cookies only", "only necessary cookies", "use necessary cookies only",
    "only essential", "essential only", "essential cookies only", "accept only necessary", "accept necessary",
    "allow only necessary", "required only", "strictly necessary only", "continue without accepting", "do not accept",
    "no thanks", "no thank you", "not now", "maybe later", "no", "disagree", "i disagree", "do not consent", "skip", "opt out",
    "ablehnen", "alle ablehnen", "nur notwendige", "nur notwendige cookies", "nur erforderliche", "nur essenzielle cookies",
    "nein danke", "später", "tout refuser", "refuser", "continuer sans accepter", "non merci", "plus tard",
    "rechazar", "rechazar todo", "rechazar todas", "solo necesarias", "solo las necesarias", "ahora no", "no gracias",
    "rejeitar", "rejeitar tudo", "recusar", "agora não", "rifiuta", "rifiuta tutto", "solo necessari", "no grazie",
    "weigeren", "alles weigeren", "alleen noodzakelijk", "odrzuć", "odrzuć wszystkie", "tylko niezbędne",
    "avvisa alla", "neka alla", "endast nödvändiga", "отклонить", "отклонить все", "只使用必要", "拒绝", "すべて拒否", "拒否する",
    "דחה הכל", "דחייה", "رفض الكل", "رفض", NULL};
static const char *const close_words[] = {
    "close", "dismiss", "×", "✕", "✖", "x", "✗", "╳", "close dialog", "close this dialog", "close modal", "close banner", "close popup",
    "close window", "hide", "cancel", "schließen", "fermer", "cerrar", "fechar", "chiudi", "sluiten", "zamknij", "stäng", "закрыть",
    "閉じる", "关闭", "關閉", "닫기", "סגור", "إغلاق", NULL};
static const char *const accept[] = {
    "accept all", "accept", "accept cookies", "accept all cookies", "agree", "i agree", "agree and continue", "allow all",
    "allow all cookies", "allow cookies", "allow", "ok", "okay", "got it", "i understand", "understood", "continue", "i accept",
    "akzeptieren", "alle akzeptieren", "zustimmen", "alle cookies akzeptieren", "verstanden", "einverstanden",
    "tout accepter", "accepter", "j'accepte", "d'accord", "aceptar", "aceptar todo", "aceptar todas", "de acuerdo", "entendido",
    "aceitar", "aceitar tudo", "accetta", "accetta tutto", "accetta tutti", "ho capito", "accepteren", "alles accepteren", "akkoord",
    "akceptuję", "zaakceptuj wszystkie", "zgadzam się", "acceptera alla", "godkänn alla", "принять", "принять все", "согласен",
    "同意する", "同意", "接受", "全部接受", "동의", "אישור", "קבל הכל", "قبول", "قبول الكل", "موافق", NULL};
static const char *const consent[] = {
    "cookie", "cookies", "consent", "gdpr", "ccpa", "privacy", "your data", "tracking", "einwilligung", "datenschutz",
    "confidentialité", "consentement", "privacidad", "consentimiento", "privacidade", "onetrust", "didomi", "cookiebot",
    "usercentrics", "trustarc", "quantcast", "cmp", "プライバシー", "隐私", "файлы cookie", "עוגיות", "ملفات تعريف الارتباط", NULL};
static const char *const reveal[] = {
    "show", "reveal", "view", "see", "display", "read more", "show more", "see more", "more details", "more info", "expand",
    "click to show", "click to reveal", "get", "unhide", "anzeigen", "zeigen", "mehr lesen", "einblenden", "afficher", "voir", "lire la suite",
    "mostrar", "ver", "leer más", "ler mais", "mostra", "visualizza", "leggi tutto", "toon", "lees meer", "pokaż", "visa", "vis",
    "показать", "表示", "显示", "보기", "הצג", "عرض", "إظهار", NULL};
static const char *const no_reveal[] = {
    "contact", "request", "email seller", "e-mail seller", "loan", "financing", "finance", "message", "send", "apply", "buy", "checkout",
    "bid", "offer", "report", "share", "save", "log in", "login", "sign in", "sign up", "register", "subscribe", "schedule", "book",
    "insurance", "quote", "kontaktieren", "nachricht", "finanzierung", "contacter", "contactar", "contatta", "financiación", NULL};
static const char *const related[] = {
    "similar", "related", "you may also like", "you might also like", "also viewed", "also bought", "also like", "recommended",
    "recommendations", "recently viewed", "more from", "more like this", "other listings", "more listings", "other ads", "sponsored",
    "people also", "customers also", "frequently bought", "explore more", "nearby listings", "popular searches", "from our partners",
    "ähnliche", "das könnte", "weitere anzeigen", "weitere angebote", "andere anzeigen", "zuletzt angesehen", "empfohlen",
    "similaires", "vous aimerez", "recommandé", "relacionados", "similares", "también te", "te puede", "recomendados",
    "correlati", "simili", "potrebbe interessarti", "vergelijkbare", "podobne", "похожие", "рекомендуем", "関連", "相关", "מודעות דומות",
    "إعلانات مشابهة", NULL};
static const char *const open_words[] = {
    "view", "details", "view details", "see details", "more", "more info", "more details", "read more", "open", "view listing", "see more",
    "learn more", "view item", "view ad", "view more", "show", "show details", "view product", "buy now", "add to cart", "save", "share",
    "details ansehen", "mehr", "mehr erfahren", "zum angebot", "ansehen", "zur anzeige", "voir", "voir plus", "en savoir plus", "voir le détail",
    "ver", "ver más", "ver detalles", "más información", "dettagli", "vedi", "scopri di più", "bekijk", "zobacz", "подробнее", "詳細", "查看",
    "פרטים", "לפרטים", "عرض", "التفاصيل", NULL};
static const char *const blocked[] = { /* beside those that every room knows: failure_wall_mark() */
    "access denied", "are you a robot", "unusual traffic", "403 forbidden",
    "error 403", "request blocked", "you have been blocked", "complete the captcha", "security check to access", NULL};
static const char *const no_results[] = {
    "no results", "no results found", "no matches", "nothing found", "nothing matches", "0 results", "no listings", "no items found",
    "did not match any", "didn't match any", "we couldn't find", "could not find any", "keine ergebnisse", "keine treffer",
    "aucun résultat", "sin resultados", "no hay resultados", "nessun risultato", "nenhum resultado", "geen resultaten", "brak wyników",
    "ничего не найдено", "見つかりません", "没有结果", "לא נמצאו תוצאות", "لا توجد نتائج", NULL};
static const char *const error_words[] = {
    "error", "something went wrong", "failed", "invalid", "not found", "unavailable", "try again", "internal server error",
    "fehler", "erreur", "ошибка", "errore", "エラー", "错误", "שגיאה", "خطأ", NULL};
static const char *const sold_out[] = {
    "sold out", "out of stock", "currently unavailable", "currently out of stock", "temporarily out of stock", "not available",
    "unavailable", "no longer available", "ausverkauft", "nicht verfügbar", "nicht vorrätig", "épuisé", "rupture de stock", "agotado",
    "esgotado", "esaurito", "uitverkocht", "wyprzedane", "slutsåld", "нет в наличии", "売り切れ", "缺货", "품절", "אזל המלאי", "نفذت الكمية", NULL};
static const char *const buy_words[] = {
    "add to cart", "add to bag", "add to basket", "buy now", "buy", "buy it now", "order now", "pre-order", "in den warenkorb",
    "jetzt kaufen", "ajouter au panier", "acheter", "añadir al carrito", "añadir a la cesta", "comprar", "adicionar ao carrinho",
    "aggiungi al carrello", "in winkelwagen", "dodaj do koszyka", "lägg i varukorgen", "добавить в корзину", "в корзину", "купить",
    "カートに入れる", "加入购物车", "장바구니", "הוסף לסל", "أضف إلى السلة", NULL};
static const char *const logout[] = {
    "log out", "logout", "sign out", "signout", "my account", "your account", "abmelden", "mein konto", "déconnexion", "mon compte",
    "cerrar sesión", "mi cuenta", "sair", "minha conta", "esci", "uitloggen", "wyloguj", "выйти", "ログアウト", "退出登录",
    "התנתק", "تسجيل الخروج", NULL};
static const char *const login[] = {
    "log in", "login", "sign in", "signin", "anmelden", "einloggen", "connexion", "se connecter", "iniciar sesión", "entrar", "accedi",
    "inloggen", "zaloguj", "войти", "ログイン", "登录", "התחבר", "تسجيل الدخول", NULL};
static const char *const yes_words[] = {
    "yes", "y", "true", "✓", "✔", "☑", "included", "available", "ja", "vorhanden", "oui", "sí", "si", "sim", "да", "tak", "はい", "是", "כן", "نعم", NULL};
static const char *const no_words[] = {
    "no", "n", "false", "✗", "✘", "✕", "×", "none", "not included", "nein", "nicht vorhanden", "non", "não", "нет", "nie", "いいえ", "否", "לא", "لا", NULL};
/* clang-format on */

static const char *const *const tables[WORDS_N] = {
    [WORDS_SPONSORED] = sponsored,
    [WORDS_NEXT] = next_page,
    [WORDS_MORE_RESULTS] = more_results,
    [WORDS_TRY_AGAIN] = try_again,
    [WORDS_NOT_PAGES] = not_pages,
    [WORDS_REJECT] = reject,
    [WORDS_CLOSE] = close_words,
    [WORDS_ACCEPT] = accept,
    [WORDS_CONSENT] = consent,
    [WORDS_REVEAL] = reveal,
    [WORDS_NO_REVEAL] = no_reveal,
    [WORDS_RELATED] = related,
    [WORDS_OPEN] = open_words,
    [WORDS_BLOCKED] = blocked,
    [WORDS_NO_RESULTS] = no_results,
    [WORDS_ERROR] = error_words,
    [WORDS_SOLD_OUT] = sold_out,
    [WORDS_BUY] = buy_words,
    [WORDS_LOGOUT] = logout,
    [WORDS_LOGIN] = login,
    [WORDS_YES] = yes_words,
    [WORDS_NO] = no_words,
};

static bool word_byte(unsigned char c)
{
    return c >= 0x80 || isalnum(c);
}

/* Bytes of punctuation at s: ASCII that is no letter, digit or currency sign, and common dots. */
static size_t punct_at(const char *s)
{
    static const char *const dots[] = {
        "\xE2\x80\xA6", "\xE2\x80\x93", "\xE2\x80\x94", "\xC2\xB7",     "\xE2\x80\xA2",
        "\xEF\xBC\x9A", "\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x99", "\xE2\x80\x9E"};
    unsigned char c = (unsigned char)*s;
    if (c && c < 0x80)
        return isspace(c) || (ispunct(c) && !strchr("$><+#%", c)) ? 1 : 0;
    for (size_t i = 0; i < sizeof(dots) / sizeof(dots[0]); i++)
        if (str_starts(s, dots[i]))
            return strlen(dots[i]);
    return 0;
}

char *words_plain(struct pool *pool, const char *s)
{
    char *low = str_lower(pool, s);
    char *out = str_squash(pool, low);
    size_t n;
    while ((n = punct_at(out)))
        out += n;
    for (bool more = *out; more;) {
        more = false;
        size_t len = strlen(out);
        for (size_t back = 1; back <= 3 && back <= len && !more; back++)
            if (punct_at(out + len - back) == back) {
                out[len - back] = 0;
                more = true;
            }
    }
    return out;
}

char *words_split(struct pool *pool, const char *identifier)
{
    size_t len = strlen(identifier), o = 0;
    char *out = pool_alloc(pool, 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)identifier[i];
        bool hump = i && isupper(c) && islower((unsigned char)identifier[i - 1]);
        if (hump)
            out[o++] = ' ';
        out[o++] = word_byte(c) ? (char)c : ' ';
    }
    return words_plain(pool, out);
}

bool words_has(const char *text, const char *phrase)
{
    size_t len = strlen(phrase);
    /* Scripts without blanks between words (from U+3000 on) have no boundary to ask for. */
    bool bounded = (unsigned char)phrase[0] < 0xE3;
    for (const char *p = text; len && (p = strstr(p, phrase)); p++) {
        bool starts =
            p == text || !word_byte((unsigned char)p[-1]) || !word_byte((unsigned char)phrase[0]);
        bool ends = !word_byte((unsigned char)p[len]) || !word_byte((unsigned char)phrase[len - 1]);
        if (!bounded || (starts && ends))
            return true;
    }
    return false;
}

int words_count(const char *text)
{
    int n = 0;
    for (const char *p = text; *p;) {
        while (*p && !word_byte((unsigned char)*p))
            p++;
        n += *p != 0;
        while (word_byte((unsigned char)*p))
            p++;
    }
    return n;
}

bool words_all_in(const char *a, const char *b)
{
    return str_has_words_fold(b, a);
}

static const char *look_up(enum phrases which, const char *text, bool whole)
{
    struct pool *tmp = pool_create(NULL);
    const char *plain = words_plain(tmp, text), *hit = NULL,
               *raw = str_squash(tmp, str_lower(tmp, text));
    for (const char *const *p = tables[which]; *p && !hit; p++)
        if (whole ? strcmp(plain, *p) == 0 || strcmp(raw, *p) == 0 : words_has(plain, *p))
            hit = *p;
    pool_destroy(tmp);
    return hit;
}

const char *words_is(enum phrases which, const char *text)
{
    return look_up(which, text, true);
}

const char *words_in(enum phrases which, const char *text)
{
    return look_up(which, text, false);
}

/* Arrows, signs, dingbats and pictographs; what only modifies them. */
static bool is_sign(unsigned c)
{
    return (c >= 0x2000 && c <= 0x2BFF) || (c >= 0x1F000 && c <= 0x1FAFF) || c == 0xFE0F;
}

/* One code point of UTF-8, 0 when there is none. */
static unsigned next_code(const unsigned char **p)
{
    unsigned c = *(*p)++;
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
    c &= more ? 0x3Fu >> more : 0x7Fu;
    for (; more && (**p & 0xC0) == 0x80; more--)
        c = c << 6 | (*(*p)++ & 0x3Fu);
    return more ? 0 : c;
}

bool words_is_picture(const char *text)
{
    bool some = false;
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        unsigned c = next_code(&p);
        if (isalnum((int)(c < 0x80 ? c : 0)) || (c >= 0x80 && !is_sign(c)) || !c)
            return false;
        some = some || c >= 0x80;
    }
    return some;
}
