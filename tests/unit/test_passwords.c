/* Which words of a plan are passwords. */
#include "unit/test.h"

#include <string.h>

#include "core/passwords.h"

struct row {
    const char *intent, *label, *value;
    const char *found; /* with a blank between; "" none */
};

static const struct row rows[] = {
    {"Write \"dana@a.test\" into \"Email\" and \"harbor-42\" into \"Password\", then press \"Sign in\"", "", "", "harbor-42"},
    {"Fill \"Password\" with \"harbor-42\" and press \"Sign in\"", "", "", "harbor-42"},
    {"Type 'dana' in the user name field and 'harbor-42' in the password field", "", "", "harbor-42"},
    {"Log in with the password \"harbor-42\"", "", "", "harbor-42"},
    {"Write the password into its field", "Password", "harbor-42", "harbor-42"},
    {"Write the password into its field", "", "harbor-42", "harbor-42"},
    {"Write the e-mail address above the password", "Email", "dana@a.test", ""},
    {"Write it into the field", "PIN", "4711", "4711"},
    {"Write the answer", "Password", "{{user_input}}", ""},
    {"Press \"Forgot your password?\"", "", "", ""},
    {"Press \"Sign in\"", "Sign in", "", ""},
    {"Open the shipping page", "", "", ""},
};

static void what_belongs_to_a_field_for_passwords_is_one(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *r = &rows[i];
        json_t *params = json_pack("{s:s,s:s}", "label", r->label, "value", r->value);
        struct step step = {.intent = (char *)r->intent, .params = params};
        const struct plan plan = {.steps = &step, .n_steps = 1};
        json_t *found = passwords_of(&plan), *value;
        const char *n;
        char all[200] = "";
        json_object_foreach (found, n, value)
            snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? " " : "", json_string_value(value));
        if (strcmp(all, r->found))
            fail_msg("%s: '%s', not '%s'", r->intent, all, r->found);
        json_decref(found);
        json_decref(params);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_belongs_to_a_field_for_passwords_is_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
