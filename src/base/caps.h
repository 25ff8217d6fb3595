/*
 * caps.h - every limit on something a stranger can fill, in one list.
 * A reader of the contract finds the number here; code names the cap, never the number.
 */
#ifndef MANTIS_BASE_CAPS_H
#define MANTIS_BASE_CAPS_H

/* HTTP (src/api) */
#define CAP_HTTP_BODY_BYTES (8u << 20)    /* request body, but for chat; larger is 413 */
#define CAP_HTTP_HEADER_BYTES (16u << 10) /* request line and headers of one connection; what a stream costs */
#define CAP_HTTP_CONNECTIONS 16384        /* open connections */
#define CAP_HTTP_IDLE_S 300               /* keep-alive (http-api.md section 1) */
#define CAP_HTTP_HEADER_S 30              /* from accept to the end of the first request's headers */
#define CAP_HTTP_BODY_S 120               /* from the headers to the end of the body */
#define CAP_HTTP_SMALL_BODY_BYTES (64u << 10) /* of a refused request: read before the answer */
#define CAP_HTTP_DISCARD_BYTES (64u << 20) /* of a refused request: read after the answer, so it is seen */
#define CAP_HTTP_DISCARD_S 5
#define CAP_HTTP_DISCARDERS 64            /* connections being read that way at once */
#define CAP_USER_INPUT_BYTES (64u << 10) /* the answer to a run's prompt, as JSON text */
#define CAP_STREAM_BEAT_S 25              /* event stream: a ping every so often (http-api.md section 11) */
#define CAP_STREAM_BEATS 24               /* so many, then it ends: 600 s */
#define CAP_STREAM_TOKEN_MS 2000          /* a revoked token's streams live no longer than that and a look at the keys file */
#define CAP_STREAM_BLOCK_BYTES 4096       /* buffered for one stream at most */
#define CAP_STREAM_FRAME_BYTES (20u << 20) /* one frame: a worker's longest message and its envelope */
#define CAP_STEPS_LISTED 500 /* of a run, in one answer */
#define CAP_WS_MESSAGE_BYTES (64u << 10)  /* one message of a viewer */
#define CAP_VIEWERS 256                   /* open live views of all runs */
#define CAP_VIEWERS_RUN 32                /* of one run */
#define CAP_HANDS_PER_S 200               /* input messages of a person */
#define CAP_HANDS_BURST 400
#define CAP_VIEW_ERRORS 16                /* messages in a row that are not obeyed; then the view ends */
#define CAP_VIEW_TOKEN_BYTES 512
#define CAP_TRACE_ROWS 10000              /* of one answer of reasoning_trace; the rest is asked for with a cursor */
#define CAP_TRACE_BYTES (64u << 20)       /* likewise */
#define CAP_CHAT_BODY_BYTES (20u << 20)   /* of a call to the model server: pictures */
#define CAP_CHAT_ANSWER_BYTES (32u << 20) /* of the model server to such a call; a larger one is 502 */
#define CAP_CHAT_CALL_S 180               /* until that is there; in a stream: until the next piece is */
#define CAP_CHAT_STREAM_S 1800            /* a whole stream; then it is cut */
#define CAP_CHAT_STREAM_BYTES (64u << 10) /* held of one for a slow caller; then the model server waits */
#define CAP_CHAT_UNREAD_S 60              /* that it may wait so: a caller that takes no more is cut */
#define CAP_CHAT_CROWDED_S 5              /* the same while its tenant has others' slots of the model server */
#define CAP_CLIENT_ANSWER_BYTES (256u << 20) /* what `mantis runs` reads of one answer */
#define CAP_SETTINGS_FILE_BYTES (64u << 10) /* serve --config */
#define CAP_IDEMPOTENCY_KEY_BYTES 1024    /* Idempotency-Key header */
#define CAP_RECIPE_BYTES (64 << 10)       /* one schema, as JSON */
#define CAP_TARGET_URL_BYTES 2048         /* of a fingerprint run */
#define CAP_OBJECTIVE_BYTES (8 << 10)     /* graph_learn: the words that say what is wanted */
#define CAP_JSON_DEPTH 64                 /* nesting of any JSON a stranger sends */

/* Plans (src/plan); the environment may lower or raise the server caps of http-api.md section 20 */
#define CAP_PLAN_FILE_BYTES (4u << 20)
#define CAP_INTENT_BYTES 4096       /* of one step */
#define CAP_PLAN_STEPS 200          /* MANTIS_MAX_STEPS_PER_PLAN */
#define CAP_LOOP_ITERATIONS 50      /* MANTIS_MAX_LOOP_ITERATIONS */
#define CAP_BRANCHES_BACK 200       /* of one if_else in a row: minutes of polling with a wait in between */
#define CAP_RUN_MINUTES 60          /* MANTIS_MAX_RUNTIME_MINUTES */
#define CAP_RUN_COST_USD 25.0       /* MANTIS_MAX_COST_USD */
#define CAP_RUN_KILL_AFTER_S 300    /* hard kill at the time cap plus this (tenancy.md section 7) */
#define CAP_PROSE_BYTES (64 << 10)  /* prose that becomes steps */
#define CAP_PLAN_ANSWER_BYTES (512 << 10) /* of a model that makes a plan of prose */
#define CAP_PLAN_CALLS 64           /* such calls under way at once */
#define CAP_PLAN_CALL_MS 300000     /* one of them with all its tries */
#define CAP_PLAN_CACHE_FILES 1000   /* plans made of prose that are kept for one tenant; the oldest go */
#define CAP_RAW_PROSE_WORDS 80      /* decompose:false */
#define CAP_PLAN_WARNINGS 100       /* lines about unknown keys and clamped values */

/* Tenants (src/core/tenant, src/sys/secrets, src/sched/limits) */
#define CAP_TENANT_KEYS_BYTES (4u << 20) /* keys document */
#define CAP_TENANT_KEYS 20000            /* tokens in it */
#define CAP_TENANT_ID_BYTES 64           /* tenant_id: profile and workflow names start with it */
#define CAP_TENANT_TEXT_BYTES 2048       /* label, webhook_url, a secret's name */
#define CAP_TENANT_DOMAINS 1000          /* allowed_domains of one entry */
#define CAP_TENANT_WARNINGS 100          /* entries left out that are named in the log */
#define CAP_TOKEN_BYTES 1024             /* token a caller presents */
#define CAP_SECRET_BYTES (64u << 10)     /* file in the secrets directory */
#define CAP_RATE_BUCKETS 20000           /* tenants whose bucket is not full */

/* Worker messages (src/sys/ipc) */
#define CAP_IPC_MESSAGE_BYTES (16u << 20)
#define CAP_PICTURE_MESSAGE_BYTES (8u << 20) /* regions or a frame, from a worker */

/* The page (src/plane): what a web site may make us hold */
#define CAP_CDP_MESSAGE_BYTES (64u << 20) /* one DevTools message */
#define CAP_CDP_REQUESTS 2048 /* requests in flight that are kept track of */
#define CAP_CDP_SESSIONS 128  /* tabs and cross-site frames attached to */
#define CAP_PAGE_NODES 60000              /* nodes kept of one page; the rest is cut and said so */
#define CAP_PAGE_TEXT_BYTES (4u << 20)
#define CAP_PAGE_DATA_BYTES (1u << 20) /* one data script (JSON-LD); a larger one is left out */
#define CAP_PAGE_FRAMES 64
#define CAP_READ_WORK (64u << 20) /* bytes looked at for one extraction; then it is incomplete and says so */
#define CAP_SESSION_COOKIES 1000 /* kept of one profile, and what they may weigh */
#define CAP_SESSION_COOKIES_BYTES (1u << 20)
#define CAP_PLANE_TABS 8       /* further pop-ups are closed */
#define CAP_PLANE_DIALOGS 20   /* in a row on one page; then the page counts as blocked */
#define CAP_DOWNLOADS 100      /* files of one attempt; further ones are stopped */
#define CAP_DOWNLOAD_BYTES (256ll << 20)  /* one file; a larger one is stopped */
#define CAP_DOWNLOADS_BYTES (1ll << 30)   /* all of them */
#define CAP_SCREEN_SIDE_PX 8192
#define CAP_CLIPBOARD_BYTES (1u << 20) /* text pasted or copied */
#define CAP_URL_BYTES (32u << 10)      /* of a page we are asked to open */

/* Runs */
#define CAP_COLLECTED_URLS 10000    /* addresses that collect_urls keeps per run */
#define CAP_ROWS 10000              /* extracted rows kept per run */
#define CAP_RUN_RECIPES 20          /* recipes that the schemas of one run name */
#define CAP_CACHE_ENTRIES 5000      /* pages of one extraction cache; the oldest go */
#define CAP_CACHE_BYTES (4u << 20)  /* and its file */
#define CAP_ROW_IMAGES 200          /* pictures of rows of one run */
#define CAP_ROW_IMAGE_BYTES (32 << 20) /* and what they may weigh together */
#define CAP_ACCOUNTS 200            /* lists that a run keeps account of; older ones go */
#define CAP_ACCOUNT_ITEMS 1000      /* cards of one page of results that are told apart */
#define CAP_STEP_RESULTS 20000      /* executed steps of one run, loops included */
#define CAP_ATTEMPTS_NO_PROGRESS 3  /* worker attempts in a row that reached no new checkpoint */
#define CAP_CSV_BYTES (64u << 20)   /* leads.csv, extracted_rows.csv */
#define CAP_LOG_TAIL 10000          /* action=logs */
#define CAP_SCREENSHOT_BYTES (32u << 20)  /* one PNG a worker left behind */
#define CAP_TRACE_FILE_BYTES (64u << 20)  /* one exported trace, labelled or not */
#define CAP_SLOT_BACKLOG 64               /* worker messages held while the store refuses writes */
#define CAP_QUEUE_LISTED 100              /* waiting runs that GET /v1/queue names */
#define CAP_REASON_BYTES 256              /* why a caller cancels or pauses; what is longer is cut */
#define CAP_SUBMITS_PER_COMMIT 512        /* new runs stored at once; more wait for the next turn */
#define CAP_VIEW_BYTES (16u << 20)        /* texts kept of runs that are polled */
#define CAP_HALT_CLASS_BYTES 128          /* of a run that is followed */
#define CAP_FOLLOW_LINES 64               /* newest events kept of a run that is followed */
#define CAP_FOLLOW_BYTES (32u << 20)      /* of all of them; then one event per run */
#define CAP_FOLLOW_LINE_BYTES (64u << 10) /* of one event; a larger one is read from the store */

/* Recordings (src/record) */
#define CAP_VIDEO_BYTES (1u << 30)  /* one file: then the recording ends, and the run goes on */
#define CAP_VIDEO_CHAPTERS 2000     /* of one file; later ones are not marked */
#define CAP_VIDEO_NOTES 1024        /* waiting for the encoder; what comes then is not shown */
#define CAP_VIDEO_FRAMES 6          /* likewise, of pictures */
#define CAP_VIDEO_TEXT_BYTES 1000   /* of one caption, badge or line of a card */

/* Model replies (src/brain/model) */
#define CAP_MODEL_TEXT_BYTES (64u << 10) /* of one reply; the rest is not read */
#define CAP_MODEL_ANSWER_BYTES (8u << 20) /* of one answer of a model server */
#define CAP_MODEL_CALL_MS 3600000         /* the longest that one call may take */

/* The model gateway (src/sched/gateway*.c): what a worker may make it hold */
#define CAP_GATEWAY_BODY_BYTES (24u << 20)  /* of one call */
#define CAP_GATEWAY_RUN_BYTES (64u << 20)   /* of all calls of a run that wait or are under way */
#define CAP_GATEWAY_RUN_CALLS 1024          /* of one run at once; more are told to come again */
#define CAP_GATEWAY_RUN_RUNNING 16          /* of these under way; the others wait */
#define CAP_GATEWAY_CONNECTIONS 4096        /* of all runs */
#define CAP_GATEWAY_WAIT_MS 600000          /* for money or a slot */
#define CAP_GATEWAY_HEADER_BYTES (8u << 10) /* request line and headers of one call */
#define CAP_GATEWAY_SLOTS 256               /* of the pod's model server */

/* The store (src/store) */
#define CAP_STORE_CACHE_RUNS 4096          /* lately touched runs that polling reads from memory */
#define CAP_STORE_CACHE_BYTES (24u << 20)  /* what they may weigh together, roughly */
#define CAP_RECIPES 1000                   /* of one tenant */
#define CAP_DELIVERY_LOG 200               /* attempts kept of one webhook delivery; older ones go */
#define CAP_STORE_FINDINGS 100             /* lines of `mantis store check` */
#define CAP_PROFILE_IMPORT_BYTES (1ll << 30) /* of an archive that `mantis profile import` unpacks */
#define CAP_PROFILE_IMPORT_FILES 100000
#define CAP_CONTROL_CLIENTS 4              /* of `serve`'s control socket at once */

/* Metrics (src/base/metric) and webhooks (src/sched/webhook) */
#define CAP_METRIC_SERIES 2000       /* of one family; further label values are counted as "other" */
#define CAP_METRIC_LABEL_BYTES 128   /* of one label value */
#define CAP_PROMPT_BYTES (1u << 20) /* one file of prompts/ */
#define CAP_METRICS_BYTES (64u << 20) /* the whole page */
#define CAP_WEBHOOK_URL_BYTES 2048
#define CAP_WEBHOOK_ANSWER_BYTES (16u << 10) /* of a receiver; what is longer is cut off */
#define CAP_HTTPC_HEADER_BYTES (64u << 10)   /* of an answer, all header lines together */

#define CAP_SELFTEST_BYTES (256u << 10) /* of what `mantis selftest` writes to the one that started it */

/* Model files (src/engine): all of it is written by whoever made the file */
#define CAP_GGUF_KEYS 65536
#define CAP_GGUF_KEY_BYTES 65535          /* the format's own limit */
#define CAP_GGUF_STRING_BYTES (64u << 20) /* one value; chat templates and whole tokenizers are such */
#define CAP_GGUF_ARRAY_ITEMS (16u << 20)  /* of one array; vocabularies have some 300000 */
#define CAP_GGUF_ARRAY_DEPTH 4            /* arrays in arrays */
#define CAP_GGUF_HEAD_BYTES (512u << 20)  /* what stands before the tensor list */
#define CAP_GGUF_KEPT_BYTES (256u << 20)  /* of values that are shown */
#define CAP_GGUF_TENSORS 200000
#define CAP_GGUF_TENSOR_NAME_BYTES 1024
#define CAP_GGUF_ALIGNMENT 65536
#define CAP_GGUF_PARTS 1000               /* of a split file */

/* The model server (src/engine) */
#define CAP_ENGINE_LOG_BYTES (32u << 20)      /* of its log file; there are two of them */
#define CAP_ENGINE_LOG_TAIL_BYTES 20000       /* last lines that a message shows (serving.md section 1.4) */
#define CAP_ENGINE_ANSWER_BYTES (256u << 10)  /* to a question whether it is ready */

/* Promotion (src/gate) */
#define CAP_GATE_FILE_BYTES (256u << 20) /* tasks, a report, a trace, cases of a benchmark */

/* Practice sites (src/site) */
#define CAP_SITE_CONNECTIONS 512
#define CAP_SITE_BODY_BYTES (64u << 10)
#define CAP_SITE_FIELD_BYTES 4096       /* of one form field that a site keeps */
#define CAP_SITE_PAGE_BYTES (2u << 20) /* a filled template, or a file it is made of */
#define CAP_SITE_DELAY_MS 60000        /* longest late answer a page may ask for */
#define CAP_SITE_LOG 10000             /* entries of the change log; older ones go */
#define CAP_SITE_SESSIONS 1000         /* visitors a site remembers; the oldest goes */
#define CAP_SITE_RECORDS 1000          /* things of one kind that visitors may add */

#endif
