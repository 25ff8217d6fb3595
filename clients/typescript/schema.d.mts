// Made by tools/openapi_types.mjs from /openapi.json; a test holds both together.

/** `succeeded`, `completed_with_failures`, `halted`, `failed`, `cancelled` and `timeout` are terminal: they never change. `paused` is not. */
export type Status = "queued" | "running" | "paused" | "recovering" | "succeeded" | "completed_with_failures" | "halted" | "failed" | "cancelled" | "timeout";

/** The status in five words: `complete`, `halted` and `cancelled` are terminal. */
export type Phase = "queued" | "running" | "recovering" | "complete" | "halted" | "cancelled";

/** What every refused call answers. */
export interface Refusal {
  /** One sentence that names the field, run, host or cap, and what to do. */
  detail: string;
  error?: OpenAiError;
}

/** The same as OpenAI's clients read it; /v1/chat/completions only. */
export interface OpenAiError {
  message: string;
  type: "invalid_request_error" | "authentication_error" | "permission_error" | "rate_limit_error" | "upstream_error" | "server_error";
  param: null;
  /** Short name of the reason. */
  code: string;
}

export interface ParameterProblem {
  /** What kind of mistake. */
  type: string;
  /** Where it is, from the outside in. */
  loc: Array<string | number>;
  /** For people. */
  msg: string;
  /** What was sent. */
  input: unknown;
}

/** The answer to what can be read but not processed. */
export interface ParameterError {
  /** An array for a query or path parameter that cannot be read; a sentence for all else. */
  detail: Array<ParameterProblem> | string;
}

/** One step of a plan. */
export interface Step {
  /** What to do, by the words a person sees on the page. */
  intent: string;
  /** What kind of step. */
  type: string;
  /** What must be seen afterwards. */
  verify?: string;
  /** Actions it may take. */
  budget?: number;
  /** How it is undone. */
  reverse?: string;
  grounding?: boolean;
  /** Answered by reading, without acting. */
  claude_only?: boolean;
  /** Index of the step a loop goes back to; -1 none. */
  loop_target?: number;
  /** Turns of a loop; clamped to the server's cap. */
  loop_count?: number;
  /** A name for this part of the plan. */
  section?: string;
  /** Its failure ends the run. */
  required?: boolean;
  /** The run goes on only when what it asks is true. */
  gate?: boolean;
  /** Per step type: `url`, `value`, `label`, `wait_after_load_seconds` ... */
  params?: { [key: string]: unknown };
  hints?: { [key: string]: unknown };
  /** Carry it out only when this holds. */
  guard?: unknown;
  /** Keep its answer under this name. */
  out_var?: string;
  stop_var?: string;
  extract?: ExtractionSchema;
  condition_var?: string;
  then_target?: number;
  else_target?: number;
  [key: string]: unknown;
}

/** A plan in JSON: a bare array of steps, `{"steps","runtime"}`, or a suite. */
export type TaskSuite = Array<Step> | {
  steps?: Array<Step>;
  /** Defaults of the plan: `max_cost`, `max_time_minutes`, `compute_backend` ... A request's own fields come first. */
  runtime?: { [key: string]: unknown };
  session_name?: string;
  base_url?: string;
  tasks?: Array<{ [key: string]: unknown }>;
  _micro_plan?: Array<Step>;
  [key: string]: unknown;
};

export interface ExtractionField {
  /** A column of the result. */
  name: string;
  /** What kind of value. */
  type?: string;
  /** A row without it does not count. */
  required?: boolean;
  /** What one looks like. */
  example?: string;
  [key: string]: unknown;
}

/** What an extraction is asked for. */
export interface ExtractionSchema {
  /** What to extract, in order. */
  fields: Array<ExtractionField | string>;
  /** What one row is. */
  entity_name?: string;
  /** Default: the fields with `required`. */
  required_fields?: Array<string>;
  /** What a card in a list must show. */
  tile_required_fields?: Array<string>;
  /** What is carried from the card to the row. */
  tile_carry_fields?: Array<string>;
  /** Words that mark a row as not organic. */
  spam_indicators?: Array<string>;
  /** Sellers' words that do. */
  spam_seller_indicators?: Array<string>;
  /** Labels never clicked while extracting. */
  forbidden_controls?: Array<string>;
  /** Labels that may be clicked to reveal a value. */
  allowed_controls?: Array<string>;
  /** Words that mark a card to leave out. */
  listing_card_exclusions?: Array<string>;
  spam_label?: string;
  /** What a row that does not count leads to. */
  rejection_intents?: { [key: string]: string };
  /** 0 or 1: a single item. */
  max_items?: number;
  schema_name?: string;
  [key: string]: unknown;
}

/** What to do: at least one of these. When there are several, the first in this order counts; an empty string counts as absent. */
export interface PlanInput {
  task_suite?: TaskSuite;
  /** The same as text. */
  task_file_contents?: string;
  /** Path of a plan file in the server's repository; relative, no `..`. */
  task_file?: string;
  /** A plan in words. Where the tenant or the server has an Anthropic key, a model makes steps of it, once per text; a dry run shows them. Without one it is controlled English, one clause after another: "Open https://shop.example/. Search for lamps. Open the first 3 results and extract title and price." A clause that is not understood is a 400 that names it. */
  plan_text?: string;
  /** Path of a plan file: `.json` holds steps, anything else prose. */
  micro?: string;
  /** The same as `micro`. */
  micro_path?: string;
}

/** How to do it. Numbers may be given as text, booleans also as `yes`/`no`, `on`/`off`, `1`/`0`; null counts as absent where the type says so. */
export interface RunOptions {
  /** True: a handle at once. False: the call waits for the result. */
  detached?: boolean;
  /** Which browser profile (cookies, sign-ins) the run uses; kept as `<tenant>__<value>`. One live run each. */
  profile_id?: string | null;
  /** Under which name the checkpoint is kept. Default: made from the plan's signature. */
  workflow_id?: string | null;
  /** Both of the above in one, when neither is given. */
  state_key?: string | null;
  /** Your own id of the run: letters, digits, `_`, `.` and `-`. */
  run_id?: string | null;
  /** Start from the workflow's last checkpoint. */
  resume_state?: boolean;
  /** USD. The least of server, tenant and this one counts. */
  max_cost?: number | null;
  /** The least of server, tenant and this one counts. */
  max_time_minutes?: number | null;
  /** Actions per task (of `tasks` suites). */
  max_steps?: number;
  /** Model by name, where a host serves several. */
  cua_model?: string | null;
  /** `computer_plane`: pixels only. `browser_use_plane`: the browser's own reading too. */
  compute_backend?: "computer_plane" | "browser_use_plane" | null;
  /** Where the traffic leaves. */
  proxy_city?: string | null;
  proxy_state?: string | null;
  proxy_country?: string | null;
  proxy_provider?: string | null;
  /** No upstream proxy. */
  proxy_disabled?: boolean;
  /** False: carry prose out as one task. */
  decompose?: boolean;
  /** With `decompose:false`: more than 80 words. */
  allow_raw_long_plan?: boolean;
  /** With prose: a name. */
  session_name?: string | null;
  /** With prose. */
  base_url?: string | null;
  /** With prose that does not say where to start: opened first. */
  start_url?: string | null;
  /** Only say what would be run, and what it would cost. */
  dry_run?: boolean;
  /** The answer for `{{user_input}}`, given beforehand: it satisfies the run's first question. At most 64 KB; kept in memory only, so a server that is restarted before the question asks it. */
  user_input?: unknown;
  /** Instead of any schema of the plan. */
  extraction_schema?: ExtractionSchema | null;
  /** Pass over cards whose page an earlier run extracted, and take what it extracted where the plan opens such a page. */
  cache_read?: boolean;
  /** Keep what this run extracts for later ones. */
  cache_write?: boolean;
  /** What is older is extracted again; 0: never. */
  cache_ttl_seconds?: number;
  /** Which cache of the tenant; default: the workflow id. */
  cache_key?: string | null;
  /** Keep a picture of every extracted row, cut from the screen that showed it; a step's `row_images` wins. */
  row_images?: boolean;
  /** Record a screencast. */
  record_video?: boolean;
  video_format?: "mp4" | "webm" | "gif";
  video_fps?: number;
  /** Which recordings are made: raw is the screen alone, polished has titles, captions and marks of clicks and keys. */
  video_cuts?: "both" | "polished" | "raw";
  /** Offer a live view; `viewer_url` of the status says where. */
  live_viewer?: boolean;
  /** null: the server's setting. */
  route_som_clicks?: boolean | null;
  /** Where the webhook of this run goes; default: the tenant's. */
  callback_url?: string | null;
  /** For which ends of the run; default: the tenant's, else all. */
  callback_events?: Array<"succeeded" | "completed_with_failures" | "halted" | "failed" | "cancelled" | "timeout"> | null;
  /** Budgets of the runner. */
  brain_budgets?: { [key: string]: unknown } | null;
  /** Pause at a proof of being human. null: the server's setting. */
  pause_on_captcha?: boolean | null;
  /** Longest wait for a page to come to rest. */
  settle_ceiling_seconds?: number | null;
  max_recoveries_per_run?: number | null;
  max_recoveries_per_step?: number | null;
  /** A label. Default: the file's name. */
  plan_name?: string | null;
  /** For actions; no effect here. */
  reason?: string | null;
  /** For `graph_learn`; no effect here. */
  objective?: string | null;
  /** No effect here. */
  graph_learn?: boolean | null;
  /** No effect here. */
  graph_learn_only?: boolean | null;
}

/** Start a run. Unknown fields are ignored. */
export type RunRequest = PlanInput & RunOptions;

/** Act on a run. Scopes: `status` for status; `result`; `logs` for logs and reasoning_trace; `run` for all. None of these spends a rate token, `graph_learn` apart. */
export interface ActionRequest {
  /** What to do with a run that exists; `graph_learn` needs none. */
  action: "status" | "result" | "logs" | "cancel" | "pause" | "resume" | "reasoning_trace" | "graph_learn";
  /** Which run. Every action but `graph_learn` needs it; there it names the run that looks. */
  run_id?: string;
  /** `logs`: how many of the last lines. */
  tail?: number;
  /** `reasoning_trace`: only events after this cursor or time. */
  since?: string | null;
  /** `cancel`, `pause`: kept with the run. */
  reason?: string | null;
  /** `resume`: the answer the run waits for, at most 64 KB. An empty text, object or list is none (400). */
  user_input?: unknown;
  /** `graph_learn`: what is wanted, in words, at most 8192 bytes; or `plan_text`. */
  objective?: string | null;
  /** `graph_learn`. */
  plan_text?: string | null;
  /** `graph_learn`: where to look. Default: the first address in the objective. */
  start_url?: string | null;
  /** `graph_learn`: the browser profile to look with. Default: one of its own. */
  profile_id?: string | null;
  /** `graph_learn`: look again, although it was learnt before. */
  force_relearn?: boolean | null;
}

/** One instruction, carried out in a loop of looking and acting. */
export interface CuaRequest {
  /** What to do, in words. */
  instruction: string;
  /** Where to start. */
  start_url?: string | null;
  /** Seconds: the longest wait for the screen to come to rest behind an action. It ends as soon as it does; without it, or with 0, after 8. */
  settle_time?: number;
  /** At most the server's cap. */
  max_steps?: number;
  frames_per_inference?: number;
  /** Refine clicks with a second model, where there is a key. */
  ground_clicks?: boolean;
  /** Put an ordered list of sub-goals in front, where there is a key. */
  decompose?: boolean;
  /** True: a handle at once. */
  detached?: boolean;
  /** Which browser profile (cookies, sign-ins) the run uses; kept as `<tenant>__<value>`. One live run each. */
  profile_id?: string | null;
  /** Under which name the checkpoint is kept. Default: made from the plan's signature. */
  workflow_id?: string | null;
  /** Both of the above in one, when neither is given. */
  state_key?: string | null;
  /** Your own id of the run: letters, digits, `_`, `.` and `-`. */
  run_id?: string | null;
  /** USD. The least of server, tenant and this one counts. */
  max_cost?: number | null;
  /** The least of server, tenant and this one counts. */
  max_time_minutes?: number | null;
  /** Model by name, where a host serves several. */
  cua_model?: string | null;
  /** Where the traffic leaves. */
  proxy_city?: string | null;
  proxy_state?: string | null;
  proxy_country?: string | null;
  proxy_provider?: string | null;
  /** No upstream proxy. */
  proxy_disabled?: boolean;
  /** Record a screencast. */
  record_video?: boolean;
  video_format?: "mp4" | "webm" | "gif";
  video_fps?: number;
  /** Which recordings are made: raw is the screen alone, polished has titles, captions and marks of clicks and keys. */
  video_cuts?: "both" | "polished" | "raw";
  /** Offer a live view; `viewer_url` of the status says where. */
  live_viewer?: boolean;
  /** null: the server's setting. */
  route_som_clicks?: boolean | null;
  /** Where the webhook of this run goes; default: the tenant's. */
  callback_url?: string | null;
  /** null: the server's setting. */
  perceptual_verify?: boolean | null;
  /** null: the server's setting. */
  loop_recovery?: boolean | null;
  /** null: the server's setting. */
  done_gate?: boolean | null;
  /** null: the server's setting. */
  predicate_verify?: boolean | null;
  /** null: the server's setting. */
  adaptive_settle?: boolean | null;
  /** null: the server's setting. */
  form_controller?: boolean | null;
  /** null: the server's setting. */
  loop_adaptive?: boolean | null;
  /** null: the server's setting. */
  adaptive_click_tol?: boolean | null;
  /** null: the server's setting. */
  reuse_session?: boolean | null;
  /** null: the server's setting. */
  speculation?: boolean | null;
}

export interface CancelRequest {
  /** Kept with the run and in the log. */
  reason?: string | null;
}

/** An accepted run. It is on disk before this is answered. */
export interface RunHandle {
  status: Status;
  terminal?: boolean;
  mode: "detached" | "sync" | "graph_learn";
  /** Poll, follow and act on the run by it. */
  run_id: string;
  created_at: string;
  updated_at: string;
  model: string;
  /** The request with the identities and caps in force, without secrets and long plans. */
  payload: { [key: string]: unknown };
  /** On the server. */
  status_path: string;
  /** On the server. */
  result_path: string;
  /** On the server. */
  csv_path: string;
  /** On the server. */
  events_path: string;
  /** What will not be as the request may have meant it; only when there is something to say. The run's events hold the same, kind warning. */
  warnings?: Array<string>;
  max_steps?: number;
  profile_id?: string;
  workflow_id?: string;
  state_key?: string;
  tenant_id?: string;
}

/** What a person can do about a run that ended early. */
export interface FailureHelp {
  halt_class: string;
  /** What happened. */
  summary: string;
  likely_causes: Array<string>;
  next_steps: Array<string>;
  /** Where to look; null: not offered. */
  debug_surfaces: {
    phase?: string | null;
    status?: string | null;
    events?: string | null;
    result?: string | null;
    augur?: string | null;
    logs?: string | null;
  };
  retries_spent?: number;
  context?: { [key: string]: unknown };
  deploy_age_warning?: string;
}

/** Seconds by what they were spent on. */
export interface WallTime {
  perceive?: number;
  think?: number;
  act?: number;
  settle?: number;
  claude_ground?: number;
  claude_extract?: number;
  claude_verify?: number;
  claude_verify_haiku?: number;
  claude_verify_opus_escalation?: number;
  load?: number;
  overhead?: number;
}

/** How much of a list of items was seen, opened and read. */
export interface VerificationSummary {
  status: string;
  verdict: string;
  totals: { [key: string]: number };
  checks: Array<unknown>;
  [key: string]: unknown;
}

/** The result in short. */
export interface Summary {
  run_id?: string;
  provider?: string;
  session_name?: string;
  model?: string;
  mode?: string;
  total_time_s?: number;
  steps_executed?: number;
  /** Rows that count. */
  viable?: number;
  leads_with_phone?: number;
  passed?: number;
  total?: number;
  score?: number;
  result_path?: string;
  csv_path?: string;
  detached_result_path?: string;
  detached_csv_path?: string;
  dynamic_verification_summary?: VerificationSummary;
  terminal_status?: string;
  halt_reason?: string;
  wall_time_breakdown?: WallTime;
  video?: Video;
  /** Where it ended. */
  final_url?: string;
  /** USD. */
  cost_total?: number;
  cost_breakdown?: {
    gpu: number;
    claude: number;
    proxy: number;
  };
}

/** The screencast. Whatever becomes of it, the run is not touched. */
export interface Video {
  /** Of the raw one. */
  path?: string;
  polished_path?: string;
  format?: "mp4" | "webm" | "gif";
  fps?: number;
  /** Of the raw one, else of the polished one. */
  duration_seconds?: number;
  polished_duration_seconds?: number;
  /** Of the raw one, else of the polished one. */
  bytes?: number;
  polished_bytes?: number;
  /** Of the run's time that the polished one shows eight times as fast. */
  time_lapsed_seconds?: number;
  /** By how much that makes the polished one shorter. */
  time_saved_seconds?: number;
  /** What it took: `cpu_seconds` in all, `run_seconds` of the run itself (pictures of the screen), `finish_seconds` from the end of the run until the files were complete. */
  encoder?: {
    cpu_seconds?: number;
    run_seconds?: number;
    finish_seconds?: number;
  };
  /** That came while the encoder was behind. */
  dropped_frames?: number;
  /** `ffmpeg-not-installed`, `x-display-not-ready:<display>`, `ffmpeg-startup-failed:<why>`, `spawn-failed:<why>`, `empty-output`, `write-failed:<why>`, `too-large:<why>` or `interrupted`; what was recorded before it is kept. */
  error?: string | null;
  /** What hands did: `clicks`, `keys`, `types`, `scrolls`, `drags`. */
  actions?: { [key: string]: number };
  /** As in `actions`. */
  clicks?: number;
}

/** Everything about a run but its result. */
export interface StatusDocument {
  run_id: string;
  status: Status;
  /** It will not change any more. */
  terminal: boolean;
  mode: "detached" | "sync" | "graph_learn";
  model: string;
  created_at: string;
  started_at: string | null;
  /** Also moves with every event. */
  updated_at: string;
  finished_at: string | null;
  /** The request with the identities and caps in force, without secrets and long plans. */
  payload: { [key: string]: unknown };
  /** On the server. */
  status_path: string;
  /** On the server. */
  result_path: string;
  /** On the server. */
  csv_path: string;
  /** On the server. */
  events_path: string;
  profile_id: string;
  workflow_id: string;
  state_key: string;
  tenant_id: string;
  max_steps: number;
  summary?: Summary | null;
  /** How the runner ended: completed, completed_with_failures, halted, budget_exceeded, time_exceeded, cancelled, failed. */
  terminal_status?: string | null;
  /** Which side of a split between two models it is on; left out when there is no split. */
  variant?: "baseline" | "candidate";
  /** Why, exactly. */
  halt_reason?: string | null;
  /** Why, in one word; the key of `failure_help`. */
  halt_class: string | null;
  /** What the failed step ran into. */
  failure_class?: string | null;
  error?: string | null;
  traceback?: string | null;
  /** What a paused run asks. */
  prompt?: string | null;
  paused_at?: string | null;
  pause_reason?: string | null;
  /** Of a paused run; opaque. What its plan types, and what stands in the form of its page, is `***`. */
  pause_state?: unknown;
  resumed_at?: string | null;
  cancelled_at?: string | null;
  cancel_reason?: string | null;
  cancel_lookup_error?: string | null;
  live_viewer?: boolean;
  /** Where to watch it, as a picture that moves: with `live_viewer`, and while it is paused with its browser open. */
  viewer_url?: string | null;
  /** POST there takes the controls; of a run that is paused with its browser open. */
  takeover_url?: string;
  /** Of a run that ended early: the last step that failed; it stands in failure_help.context, too. */
  failed_step?: {
    step_index?: number;
    step_type?: string;
    /** What a navigate step asked for, else where the step ended. */
    url?: string;
    data?: string;
  } | null;
  failure_help?: FailureHelp;
  /** Workers that were started for it. */
  attempts: number;
  /** Of a waiting run; 1: the next one of all. */
  queue_position?: number | null;
  /** Of a waiting run: what it waits for. Only runs of the caller's tenant are named. */
  queue_reason?: string | null;
  /** Of a waiting run: until it is likely to start. */
  eta_ms?: number | null;
  /** A worker is at it now. */
  in_memory_thread_alive: boolean;
  /** Why it pauses: `user_input`, or as the caller said. */
  reason?: string | null;
}

export type ResultDocument = StatusDocument & {
  /** null until there is one. */
  result: Result | null;
  result_ready: boolean;
};

/** The small document to poll. */
export interface PhaseDocument {
  run_id: string;
  phase: Phase;
  terminal: boolean;
  /** Unix seconds. */
  last_event_at: number;
  /** Ask again after this many milliseconds. */
  polling_backoff_ms_hint: number;
  /** Unix seconds. */
  started_at: number | null;
  /** Unix seconds. */
  finished_at: number | null;
  halt_class: string | null;
  /** Only of a run that is paused: its phase is `running`. */
  status?: "paused";
  /** Only of a run that is paused: what it asks for. */
  prompt?: string | null;
  failure_help?: FailureHelp;
}

/** The account of one list: `seen` is `emitted` and all `skipped`. */
export interface ListAccount {
  list?: string;
  step_index?: number;
  page?: number;
  url?: string;
  seen: number;
  emitted: number;
  skipped: Array<{
    reason: string;
    why: string;
    count: number;
    examples: Array<string>;
  }>;
}

export interface Artifact {
  name: string;
  kind: "structured_data" | "file";
  mime_type: string;
  row_count: number;
  /** `structured_data`: what became of all that was listed. */
  completeness?: Array<ListAccount>;
  schema?: {
    fields: Array<string>;
  };
  /** `structured_data`: the rows. */
  data?: Array<{ [key: string]: unknown }>;
  /** `structured_data`: where each value was seen. */
  evidence?: Array<{ [key: string]: unknown }>;
  /** `file`: a path of this API. */
  download_url?: string;
}

/** One carried-out step. */
export interface StepDetail {
  /** Index in the plan. */
  step: number;
  intent: string;
  success: boolean;
  /** Actions taken. */
  steps: number;
  /** What it says of itself. */
  data: string;
  executor_backend: string;
  time_breakdown: WallTime;
  duration: number;
  skip?: boolean;
  failure_class?: string;
  failure_subclass?: string;
  /** What the outcome means: ok, recoverable or non_recoverable, and why. */
  verdict?: {
    verdict?: "ok" | "recoverable" | "non_recoverable";
    confidence?: number;
    reason?: string;
  };
  /** What that advises. */
  recovery_decision?: "advance" | "retry" | "terminate";
  reversibility?: "read_only" | "reversible" | "irreversible";
  final_url?: string;
  page_title?: string;
  skip_reason?: string;
  last_action?: unknown;
  screenshot?: unknown;
  screenshot_b64?: string;
}

/** What a run brought. A run that was cancelled, capped or killed still has its rows. */
export interface Result {
  run_id: string;
  provider: string;
  session_name: string;
  model: string;
  /** `micro_intent`, `tasks`, `pure_cua`. */
  mode: string;
  terminal_status: string;
  halt_reason: string;
  total_time_s: number;
  wall_time_breakdown: WallTime;
  steps_executed: number;
  /** Rows that count. */
  viable: number;
  leads_with_phone?: number;
  unknown_placeholder_row_count?: number;
  state_key?: string;
  profile_id?: string;
  workflow_id?: string;
  checkpoint_path?: string;
  plan_signature?: string;
  resume_state?: boolean;
  costs: {
    total: number;
    gpu: number;
    claude: number;
    proxy: number;
    per_lead?: number;
    per_phone_lead?: number;
    leads?: number;
    leads_with_phone?: number;
    status?: string;
    checkpoint_path?: string;
  };
  healing_events?: Array<unknown>;
  dynamic_verification?: { [key: string]: unknown };
  dynamic_verification_summary?: VerificationSummary;
  /** `VIABLE | Key: value | ...` */
  leads: Array<string>;
  collected_urls?: Array<string>;
  /** Where the things of each list went. */
  completeness?: Array<ListAccount>;
  shared_seen_hits?: number;
  /** The rows, then each file once. */
  artifacts: Array<Artifact>;
  executor_backend_counts?: { [key: string]: number };
  step_details: Array<StepDetail>;
  final_url?: string;
  warnings?: Array<string>;
  result_path?: string;
  csv_path?: string;
  detached_result_path?: string;
  detached_csv_path?: string;
  failure_class?: string;
  error?: string;
  claude_cost_by_path?: { [key: string]: unknown };
  video?: Video;
  /** `tasks` */
  passed?: number;
  /** `tasks` */
  total?: number;
  /** `tasks` */
  score?: number;
  /** `tasks`, `pure_cua` */
  termination_reason?: string;
}

/** One thing that happened. */
export interface RunEvent {
  ts: string;
  /** Rises by one per run, from 1. */
  seq?: number;
  layer?: string;
  kind: string;
  summary: string;
  /** -1: of no step. */
  step_index?: number;
  detail?: { [key: string]: unknown };
  category?: string;
  at_us?: number;
  [key: string]: unknown;
}

export type EventsDocument = StatusDocument & {
  events: Array<RunEvent>;
  /** How many of them. */
  count: number;
  /** There are more: pass it as `since`. */
  next_since?: string;
};

export interface LogsDocument {
  run_id: string;
  events: Array<string>;
}

export interface ResumeReply {
  run_id: string;
  /** queued: it was paused before it started, and waits for its turn again. */
  status: "running" | "queued";
  resumed_at: string;
}

/** A plan made from looking at the site: run it as `task_suite`. */
export interface GraphLearnReply {
  mode: "graph_learn";
  domain: string;
  /** Pages that were told apart. */
  phases: number;
  /** Ways that were gone between them. */
  edges: number;
  /** Steps of `micro_plan`. */
  compiled_steps: number;
  objective_hash: string;
  micro_plan: Array<{ [key: string]: unknown }>;
  graph: {
    phases: Array<{
      id: number;
      kind: "results" | "detail" | "form" | "blocked" | "other";
      title: string;
      url: string;
      /** Of a page of results: those that were asked for. */
      items: number;
    }>;
    edges: Array<{
      /** Id of a phase. */
      from: number;
      /** Id of a phase. */
      to: number;
      by: "link" | "open" | "back" | "next_page";
      /** What the page calls it. */
      label: string;
    }>;
  };
  /** Fields of the objective that were not seen; the plan asks for them, and does without. */
  missing_fields: Array<string>;
  /** Words of the objective that nothing on the pages answered; the plan does not know them. */
  unanswered: Array<string>;
  start_url: string;
  /** The run that looked; null: none was needed. */
  run_id: string | null;
  /** Learnt before; nothing was opened. */
  cached: boolean;
  [key: string]: unknown;
}

export interface DryRun {
  dry_run: true;
  tenant_id: string;
  profile_id: string;
  workflow_id: string;
  cua_model: string;
  compute_backend: string;
  task_suite: unknown;
  plan_summary: {
    step_count: number;
    by_type: { [key: string]: number };
    with_inline_extract_schema: number;
    gate_steps: number;
    required_steps: number;
  };
  cost_estimate: {
    cua_model: string;
    gpu_usd: number;
    claude_usd: number;
    other_usd: number;
    estimated_total_usd: number;
    note: string;
  };
  /** What in the plan is likely a mistake. */
  warnings?: Array<unknown>;
  next_step: string;
}

export interface CuaResult {
  run_id: string;
  mode: "pure_cua";
  provider?: string;
  session_name?: string;
  model?: string;
  instruction?: string;
  start_url?: string;
  success: boolean;
  /** `done`, `done_failed`, `done_unverified`, `max_steps`, `loop`, `chrome_vendor_trap`, `off_allowlist`, `brain_unreachable`, `budget_cap`, `time_cap`, `cancelled`, or why the run ended before its loop did. */
  termination_reason: string;
  steps: number;
  duration_s?: number;
  elapsed_seconds?: number;
  trajectory_len?: number;
  predicate_summary?: { [key: string]: unknown };
  reused_session?: boolean;
  speculation_summary?: { [key: string]: unknown };
  perceptual_summary?: { [key: string]: unknown };
  loop_recoveries_by_reason?: { [key: string]: unknown };
  done_rejections_by_reason?: { [key: string]: unknown };
  executor_backend_counts?: { [key: string]: unknown };
  result_path?: string;
  video?: Video;
  [key: string]: unknown;
}

/** A run in a list. */
export interface RunLine {
  run_id: string;
  status: Status;
  phase: Phase;
  terminal: boolean;
  created_at: string;
  started_at?: string | null;
  finished_at?: string | null;
  updated_at: string;
  profile_id?: string | null;
  workflow_id?: string | null;
  model?: string | null;
  mode?: string | null;
  /** What the request calls its plan: `plan_name`, else `micro`, `instruction`, `micro_path` or `task_file`. */
  plan?: string | null;
  /** So far. */
  cost_usd?: number;
  /** Why it ended early. */
  halt_class?: string | null;
}

export interface RunList {
  /** Newest first. */
  runs: Array<RunLine>;
  /** `before` of the next page; null: this was the last. */
  next_before: string | null;
}

/** This tenant's live runs. */
export interface Queue {
  tenant_id: string;
  queued: number;
  running: number;
  recovering: number;
  paused: number;
  /** Until the first waiting run is likely to start; null: nothing waits, or nobody knows yet. */
  eta_ms: number | null;
  /** The first of this tenant's runs that wait for a slot; none that is under way. */
  runs: Array<{
    run_id: string;
    /** 1: the next one of all. */
    position: number;
  }>;
}

/** The runs that were created on one day. */
export interface UsageDay {
  date: string;
  runs: number;
  succeeded: number;
  /** Terminal, neither succeeded nor cancelled. */
  ended_badly: number;
  /** So far. */
  cost_usd: number;
}

export interface Usage {
  tenant_id: string;
  /** Of the token. */
  label: string;
  scopes: Array<"run" | "status" | "result" | "logs">;
  /** Not over; `max_concurrent_runs` counts them. */
  live_runs: number;
  /** Of the runs of this day (UTC); `max_cost_per_day` counts it. */
  cost_today_usd: number;
  /** What holds for a run that is started with this token: the least of server and tenant. */
  limits: {
    max_concurrent_runs: number;
    /** USD. */
    max_cost_per_run: number;
    /** USD; null: none. */
    max_cost_per_day: number | null;
    max_time_minutes_per_run: number;
    /** Runs to start; null: unlimited. */
    rate_limit_per_minute: number | null;
    /** Empty: any host. */
    allowed_domains: Array<string>;
  };
  /** Of the last 30 days those with runs, oldest first. */
  days: Array<UsageDay>;
}

/** What the failure of a step means, where its class says more than that it failed. */
export interface StepHelp {
  summary: string;
  likely_causes: Array<string>;
  next_steps: Array<string>;
}

/** A step that was carried out; one in a loop stands here once per turn. */
export interface StepDone {
  /** Of the plan. */
  step_index: number;
  type: string;
  section?: string | null;
  intent: string;
  success: boolean;
  /** Not carried out, which is no failure. */
  skip: boolean;
  skip_reason?: string | null;
  /** What it did or found. */
  data: string;
  /** It brought. */
  rows: number;
  attempts?: number | null;
  /** Actions. */
  steps_used?: number | null;
  /** Seconds. */
  duration: number;
  /** With that of attempts before it; null in runs of an older server. */
  cost_usd?: number | null;
  final_url?: string | null;
  page_title?: string | null;
  /** Where it clicked, in pixels of the screen: `params` has `x` and `y`. */
  last_action?: { [key: string]: unknown } | null;
  executor_backend?: string | null;
  time_breakdown?: WallTime | null;
  failure_class: string | null;
  help: StepHelp | null;
  /** The screen as the step before left it. */
  before_url: string | null;
  /** The screen as it left it. */
  after_url: string | null;
}

export interface StepsDocument {
  run_id: string;
  status: Status;
  terminal: boolean;
  /** Carried out so far. */
  n_steps: number;
  /** Found so far. */
  rows: number;
  /** So far. */
  cost_usd: number;
  /** Every step of the plan. */
  plan: Array<{
    type: string;
    intent: string;
    section: string;
  }>;
  steps: Array<StepDone>;
  /** `after` of the steps behind these; null: there are none. */
  next_after: number | null;
}

/** An extraction schema under a name. */
export interface Recipe {
  name: string;
  schema: ExtractionSchema;
}

export interface RecipeName {
  name: string;
}

export interface RecipeList {
  /** The tenant's own, by name. */
  recipes: Array<RecipeName>;
  /** Those that come with the server, by name. */
  shipped: Array<RecipeName>;
}

export interface RecipeDeleted {
  name: string;
  /** False: there was none. */
  deleted: boolean;
}

export interface FingerprintRequest {
  /** http or https. Default: a page that shows what a site can see of the browser. */
  target_url?: string | null;
  cua_model?: string | null;
}

export interface FingerprintReply {
  run_id: string;
  target_url: string;
  poll_via: string;
  rows_via: string;
  status: Status;
  /** `honest_mode`, `behavioral_jitter`, `geo_consistency`, `cdp_stealth`, `proxy_provider`. */
  stealth_snapshot: { [key: string]: unknown };
}

export interface DeliveryAttempt {
  n: number;
  at: string;
  /** HTTP status; 0: no answer. */
  status: number;
  duration_ms: number;
  /** Empty: none. */
  error: string;
}

/** One webhook and what became of it. */
export interface Delivery {
  /** Also sent to the receiver as `X-Mantis-Delivery`; stays the same over all attempts and replays. */
  delivery_id: string;
  run_id: string;
  /** The run's final status. */
  event: "succeeded" | "completed_with_failures" | "halted" | "failed" | "cancelled" | "timeout";
  /** Where it goes; without what may be secret in it. */
  url: string;
  state: "pending" | "delivered" | "dead";
  attempts: number;
  created_at: string;
  /** Of a pending one. */
  next_attempt_at: string | null;
  /** HTTP status of the last attempt; 0: no answer. */
  last_status: number;
  /** Empty: none. */
  last_error: string;
  /** Every attempt, oldest first (`/v1/runs/{run_id}/webhook`). */
  log?: Array<DeliveryAttempt>;
}

export interface DeliveryList {
  /** Newest first. */
  deliveries: Array<Delivery>;
}

/** What the receiver gets. */
export interface WebhookBody {
  run_id: string;
  tenant_id: string;
  status: "succeeded" | "completed_with_failures" | "halted" | "failed" | "cancelled" | "timeout";
  summary: Summary;
  delivered_at: string;
}

export interface Health {
  ok: boolean;
  model: string;
  /** Why not. */
  reason?: string;
}

export interface Version {
  version: string;
  model: string;
  /** Which of several models of this name is served: MANTIS_MODEL_TAG, else the adapter's; empty when there is one only. */
  model_tag: string;
  ready: boolean;
  git_sha: string;
  build_time: string;
  deploy_age_days: number | null;
  /** Whose limits these are: with `process`, N replicas allow N times as much. */
  limits_scope: string;
  /** Of the browsers. */
  sandbox: "on" | "off";
  warnings: Array<string>;
}

export interface ModelList {
  object: "list";
  data: Array<{
    id: string;
    object: "model";
    owned_by: string;
    /** As `model_tag` of /v1/version; left out when it is empty. */
    tag?: string;
  }>;
}

/** An OpenAI-style chat completion request; passed on as it is. */
export interface ChatRequest {
  model?: string;
  messages: Array<{ [key: string]: unknown }>;
  [key: string]: unknown;
}

/** What the model server said, when it was not JSON. */
export interface ChatError {
  error: {
    message: string;
    type: string;
  };
}

/** Where a run can be watched. */
export interface View {
  run_id: string;
  status: Status;
  rights: "view" | "control";
  width: number;
  height: number;
  expires_at: string;
  /** For `<img src>`. */
  mjpeg_url: string;
  /** A WebSocket. */
  ws_url: string;
  /** Has a person the controls? */
  control: "free" | "held";
}

/** Who takes the controls. */
export interface TakeoverRequest {
  /** To go on with a lease that is held. */
  lease?: string;
  /** From another window of the same person. */
  take?: boolean;
}

/** The controls, and where to use them. */
export interface Takeover {
  run_id: string;
  status: Status;
  /** A secret: with it the controls are taken up again and given back. */
  lease: string;
  /** Seconds from the last input on. */
  ttl_s: number;
  rights: "view" | "control";
  width: number;
  height: number;
  expires_at: string;
  /** For `<img src>`. */
  mjpeg_url: string;
  /** A WebSocket. */
  ws_url: string;
}

/** Which controls are given back. */
export interface ReleaseRequest {
  lease: string;
  /** The answer to the run's prompt, if it waits for one. */
  user_input?: unknown;
}

/** What the run does now. */
export interface ReleaseReply {
  run_id: string;
  status: Status;
}

/** What is due again. */
export interface ReplayReply {
  /** How many. */
  replayed: number;
}

/** A run's webhooks with every attempt. */
export interface RunDeliveries {
  run_id: string;
  deliveries: Array<Delivery>;
}
