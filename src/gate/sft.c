#include "gate/sft.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/str.h"
#include "brain/model/request.h"
#include "core/trace.h"
#include "gate/label.h"
#include "gate/screenshots.h"
#include "gate/sft_action.h"
#include "gate/tree.h"

#define TASK_CHARS 500

/* --- pictures ---------------------------------------------------------------------------------- */

static bool read_size(const char *path, int *ret_w, int *ret_h)
{
    char head[SCREENSHOT_HEAD_BYTES];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head));
    if (fd >= 0)
        close(fd);
    return n > 0 && screenshot_size(head, (size_t)n, ret_w, ret_h);
}

enum sft_picture sft_picture_at(struct pool *pool, const struct sft_config *config,
                                const char *below, const char **ret_path)
{
    int w, h;
    *ret_path = "";
    if (!*config->screenshots_root || !tree_is_below(below))
        return SFT_NO_PICTURE;
    const char *path = pool_printf(pool, "%s/%s", config->screenshots_root, below);
    if (!read_size(path, &w, &h))
        return SFT_NO_PICTURE;
    *ret_path = path;
    return w == config->screen_w && h == config->screen_h ? SFT_PICTURE
                                                          : SFT_PICTURE_OF_OTHER_SIZE;
}

/* --- rows -------------------------------------------------------------------------------------- */

static json_t *said(const char *who, const char *text)
{
    return json_pack("{s:s,s:o}", "from", who, "value", json_string_safe(text));
}

static const char *question_of(struct pool *pool, const struct sft_config *config,
                               const struct sft_step *step)
{
    return pool_printf(pool, "<image>\nTask: %s\nScreen size: %dx%d pixels",
                       sft_cut(pool, step->task, TASK_CHARS), config->screen_w, config->screen_h);
}

int sft_make_row(struct pool *pool, const struct sft_config *config, const struct sft_step *step,
                 json_t *metadata, struct sft_counts *counts, json_t **out, struct err *err)
{
    const char *answer = sft_action(pool, step->action), *system;
    const char *brief = sft_brief(pool, step->brief);
    bool no_image = config->require_screenshot && step->picture == SFT_NO_PICTURE;
    *out = NULL;
    counts->no_text += !answer;
    counts->no_image += answer && no_image;
    json_put_str(metadata, "action_type", sft_action_type(step->action));
    json_keep(pool, metadata);
    if (!answer || no_image)
        return 0;
    int r = request_system(pool, config->profile, config->screen_w, config->screen_h, step->type,
                           &system, err);
    if (r)
        return r;
    if (*brief)
        answer = pool_printf(pool, "%s\n%s", brief, answer);
    json_t *row = json_object(), *talk = json_array();
    json_push(talk, said("system", system));
    json_push(talk, said("human", question_of(pool, config, step)));
    json_push(talk, said("gpt", answer));
    json_put(row, "conversations", talk);
    if (*step->image)
        json_put(row, "image", json_string_safe(step->image));
    json_put(row, "metadata", json_incref(metadata));
    counts->other_size += step->picture == SFT_PICTURE_OF_OTHER_SIZE;
    *out = row;
    return 0;
}

/* --- labelled traces --------------------------------------------------------------------------- */

const char *sft_picture_of(struct pool *pool, const json_t *labelled, const json_t *step)
{
    const char *tenant = json_str(labelled, "tenant_id", ""), *run = json_str(labelled, "run_id", "");
    if (!id_is_file_name(run) || (*tenant && !id_is_file_name(tenant)))
        return "";
    return pool_printf(pool, "%s/%s", *tenant ? tenant : TRACE_SHARED,
                       trace_picture(pool, run, json_int(step, "step_index", 0)));
}

static json_t *metadata_of(const json_t *labelled, const json_t *step)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:s,s:s}", "source", "labelled_trace", "run_id",
                     json_str(labelled, "run_id", ""), "tenant_id",
                     json_str(labelled, "tenant_id", ""), "step",
                     (json_int_t)json_int(step, "step_index", 0), "label",
                     json_str(step, "label", ""), "label_reason",
                     json_str(step, "label_reason", ""));
}

static int take_step(const struct sft_config *config, const json_t *labelled, const json_t *step,
                     const struct sft_sink *sink, struct sft_counts *counts, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct sft_step s = {.type = json_str(step, "type", ""),
                         .task = json_str(step, "intent", ""),
                         .brief = json_str(step, "predicted_outcome", ""),
                         .action = json_object_get(step, "last_action")};
    json_t *row;
    s.picture = sft_picture_at(pool, config, sft_picture_of(pool, labelled, step), &s.image);
    int r = sft_make_row(pool, config, &s, metadata_of(labelled, step), counts, &row, err);
    if (!r && row)
        r = sink->take(sink->arg, row, err);
    counts->written += !r && row;
    json_decref(row);
    pool_destroy(pool);
    return r;
}

int sft_labelled(const struct sft_config *config, const json_t *labels, const json_t *labelled,
                 const struct sft_sink *sink, struct sft_counts *counts, struct err *err)
{
    int64_t before = counts->written;
    json_t *step;
    size_t i;
    int r = label_check(labelled, err);
    json_array_foreach (json_object_get(labelled, "steps"), i, step) {
        if (r)
            break;
        if (json_holds(labels, json_str(step, "label", "")))
            r = take_step(config, labelled, step, sink, counts, err);
        else
            counts->other_label++;
    }
    counts->sources += counts->written > before;
    return r;
}
