/*
 * profile.h - a model as a file: profiles/<name>.json says how it is reached, what it sees, the
 * coordinates it speaks in, how its replies are read and what it is told; prompts/<name>.txt says
 * it in words. docs/brains.md lists the fields. Adding a model is adding a file.
 *
 * A wrong file is refused by file, field and what is wrong with it. Everything lives in pool.
 */
#ifndef MANTIS_BRAIN_MODEL_PROFILE_H
#define MANTIS_BRAIN_MODEL_PROFILE_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "brain/model/space.h"
#include "core/picture.h"

enum profile_api { API_OPENAI_CHAT, API_ANTHROPIC_MESSAGES };
enum profile_layout { LAYOUT_FRAMES_FIRST, LAYOUT_TASK_FIRST };
enum profile_tools_use { TOOLS_NEVER, TOOLS_SELF_HOSTED, TOOLS_ALWAYS };
enum profile_switch { SWITCH_NONE, SWITCH_THINKING, SWITCH_TEMPLATE };
enum profile_constraint { CONSTRAINT_NONE, CONSTRAINT_JSON_SCHEMA };
enum profile_keys { KEYS_AS_SAID, KEYS_PLAIN };

#define PROFILE_QUALITY_MAX 95 /* of JPEG and WebP: above it files grow and nothing is seen better */
#define PROFILE_STRATEGIES 12
#define PROFILE_VERSION_BYTES 9 /* 8 hex digits and NUL */

struct settings;       /* sys/settings.h */
struct reply_strategy; /* brain/model/reply.h */

struct prompt {
    const char *name; /* of its file, without ".txt"; "" none */
    const char *text; /* files it includes put in; other placeholders still in it */
    char version[PROFILE_VERSION_BYTES]; /* of text; "" for none */
};

struct profile {
    const char *path; /* of the file */
    const char *name, *about;
    const json_t *also; /* further names, NULL none */
    /* where it is asked */
    enum profile_api api;
    const char *base_url, *model, *pod_model; /* pod_model: the name a server of ours knows it by */
    const char *key_env;                      /* "" none */
    const json_t *headers;                    /* extra ones, NULL none */
    int timeout_s, attempts, load_tries, load_gap_s;
    const json_t *engine; /* how a server of ours is launched, NULL: none; not looked into here */
    /* what it sees */
    struct space space;
    enum picture_format format;
    int quality;  /* jpeg, webp */
    int max_side; /* px, of what it is sent; 0: any */
    int frames, plan_frames, history;
    /* what it may say */
    int max_tokens, pod_max_tokens;
    int least_percent; /* of the tokens that a call asks for: it is not made for fewer */
    double temperature; /* < 0: not sent */
    enum profile_tools_use tools_use;
    const char *tools_file, *tool_choice, *computer_tool; /* "" none */
    const json_t *tools;                                  /* [{name, description, parameters}], NULL none */
    enum profile_constraint constraint;
    bool thinking;
    enum profile_switch hosted_switch, pod_switch;
    int thinking_budget; /* tokens; anthropic only */
    /* what it is told */
    struct prompt system;
    const json_t *contexts;  /* {step type: name of a prompt} in use, texts in context_texts */
    const json_t *context_texts; /* {step type: text} */
    bool system_in_user, tell_attempts, tell_facts;
    int exchanges; /* steps kept as a conversation, 0: rebuilt every turn; anthropic only */
    enum profile_layout layout;
    /* how its replies are read */
    const struct reply_strategy *replies[PROFILE_STRATEGIES]; /* in order, NULL-terminated */
    const json_t *actions; /* {what it says: what that is}, NULL none */
    enum profile_keys keys;
    double unknown_wait_s;
};

/* Where files are looked for, first to last; NULL or "" for none. */
struct profile_dirs {
    const char *profiles, *prompts; /* MANTIS_PROFILES_DIR, MANTIS_PROMPTS_DIR */
    const char *share;              /* holds profiles/ and prompts/ */
};

struct profile_dirs profile_dirs_of(const struct settings *settings); /* borrowed */

/* By name or one of its further names. E_NOT_FOUND lists the names there are. */
int profile_load(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                 const struct profile **out, struct err *err) MUST_CHECK;

/* The profile that a brain or reader asks: "holo3" of "chat:holo3" and "vlm:holo3", "claude" of "claude"; NULL: it asks
 * no model, or is a ladder, whose brains are asked one by one (brain_parts()). Borrows from spec. */
const char *profile_of_spec(const char *spec);

/* Names of all profiles, sorted, NULL-terminated. */
const char *const *profile_names(struct pool *pool, const struct profile_dirs *dirs);

/* One prompt with its version; what it includes (__DUTIES__: duties.txt) is put in. E_INTERNAL: there
 * is no such file, which is named. */
int prompt_load(struct pool *pool, const struct profile_dirs *dirs, const char *name, struct prompt *out,
                struct err *err) MUST_CHECK;

struct prompt_value {
    const char *name, *value; /* "WIDTH": what stands for __WIDTH__ */
};

/* __NAME__ replaced; E_INVALID naming one that nothing stands for. */
int prompt_fill(struct pool *pool, const struct prompt *prompt, const struct prompt_value *values, int n,
                const char **out, struct err *err) MUST_CHECK;

#endif
