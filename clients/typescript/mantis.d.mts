// Types of mantis.mjs. Documents are those of /openapi.json, in schema.d.mts.

import type {
  Artifact, CuaRequest, CuaResult, Delivery, DryRun, ExtractionSchema, FingerprintReply, GraphLearnReply, Health,
  PhaseDocument, PlanInput, Queue, Recipe, ReleaseReply, ReplayReply, ResultDocument, ResumeReply, RunEvent, RunHandle, RunList, RunOptions,
  Status, StatusDocument, StepsDocument, Takeover, TakeoverRequest, Usage, Version, View,
} from './schema.d.mts'

export type * from './schema.d.mts'

export interface Options {
  /** Key of a hosting gateway in front: `Authorization: Api-Key ...`. */
  gatewayKey?: string
  headers?: Record<string, string>
  /** Silence on one connection after which it counts as lost; default 60000. */
  timeoutMs?: number
  /** How often a call that is safe to repeat is repeated; default 5. */
  retries?: number
  /** A longer Retry-After is not waited for; default 60000. */
  maxRetryWaitMs?: number
  sleep?: (ms: number) => Promise<unknown>
  fetch?: typeof fetch
}

export interface WaitOptions {
  timeoutMs?: number
  /** Throw RunFailed for every end but `succeeded`. */
  raiseOnFailure?: boolean
  onPhase?: (phase: PhaseDocument) => void
}

/** One frame of a run's stream. `id` is '' for `phase` and `terminal`. */
export interface StreamEvent {
  id: string
  event: string
  data: RunEvent & { [key: string]: unknown }
}

export declare const SUCCESS: readonly Status[]
export declare const TERMINAL: readonly Status[]
export declare const OPERATIONS: Readonly<Record<string, keyof Mantis>>
export declare const LEFT_OUT: readonly string[]

/** The server refused, or could not be reached (status 0). */
export declare class MantisError extends Error {
  constructor(status: number, detail: string, retryAfterMs?: number | null)
  status: number
  detail: string
  retryAfterMs: number | null
}

/** A run ended, and not well. */
export declare class RunFailed extends Error {
  constructor(document: ResultDocument)
  document: ResultDocument
  runId: string
  status: Status
}

/** The deadline passed; the run goes on. */
export declare class RunTimeout extends Error {
  constructor(message: string)
}

export declare class Mantis {
  constructor(baseUrl: string, token: string, options?: Options)

  /** Start a run; it is on disk when this returns. An Idempotency-Key is made for each call. */
  submit(plan: PlanInput, options?: RunOptions, idempotencyKey?: string): Promise<RunHandle>
  /** submit() and waitForCompletion(); throws RunFailed unless told otherwise. */
  run(plan: PlanInput, options?: RunOptions, wait?: WaitOptions): Promise<ResultDocument>
  dryRun(plan: PlanInput, options?: RunOptions): Promise<DryRun>
  phase(runId: string): Promise<PhaseDocument>
  status(runId: string): Promise<StatusDocument>
  result(runId: string): Promise<ResultDocument>
  /** Poll at the pace the server proposes until the run is over. */
  waitForCompletion(runId: string, options?: WaitOptions): Promise<ResultDocument>
  cancel(runId: string, reason?: string): Promise<StatusDocument>
  pause(runId: string, reason?: string): Promise<StatusDocument>
  resume(runId: string, userInput?: unknown): Promise<ResumeReply>
  logs(runId: string, tail?: number): Promise<Array<{ message: string; ts: string; [key: string]: unknown }>>
  graphLearn(objective: string, options?: { startUrl?: string; forceRelearn?: boolean }): Promise<GraphLearnReply>
  /** Newest first; `next_before` of a page is `before` of the next, null at the end. */
  listRuns(options?: { status?: Status | Status[]; q?: string; limit?: number; before?: string }): Promise<RunList>
  queue(): Promise<Queue>
  /** What the tenant has used, day by day, and what this token may. */
  usage(): Promise<Usage>
  cua(instruction: string, options?: Omit<CuaRequest, 'instruction'>, idempotencyKey?: string): Promise<RunHandle | CuaResult>
  fingerprint(targetUrl?: string): Promise<FingerprintReply>

  events(runId: string, since?: string): Promise<RunEvent[]>
  /** Every event as it happens, each once, up to and including `terminal`; taken up again when it breaks off. */
  streamEvents(runId: string, options?: { since?: string; timeoutMs?: number }): AsyncGenerator<StreamEvent, void, undefined>

  artifacts(runId: string): Promise<Artifact[]>
  artifact(runId: string, name: string): Promise<Uint8Array>
  /** `track`: that of it, as WebVTT. */
  video(runId: string, options?: { raw?: boolean; track?: 'captions' | 'chapters' }): Promise<Uint8Array>
  /** What was done, and what the plan has; `after` leaves out the first so many. */
  steps(runId: string, after?: number): Promise<StepsDocument>
  /** A PNG that a step names. */
  screenshot(runId: string, name: string): Promise<Uint8Array>

  /** Addresses to watch a run at, for `<img>` and WebSocket; `control`: also to use its browser. */
  view(runId: string, options?: { control?: boolean }): Promise<View>
  /** Pauses the run: its mouse and keyboard are yours until `release`, or the lease runs out. */
  takeOver(runId: string, options?: TakeoverRequest): Promise<Takeover>
  release(runId: string, lease: string, userInput?: unknown): Promise<ReleaseReply>

  recipes(): Promise<string[]>
  recipe(name: string): Promise<ExtractionSchema>
  putRecipe(name: string, schema: ExtractionSchema): Promise<Recipe>
  deleteRecipe(name: string): Promise<boolean>

  /** Newest first; state 'dead' lists those that were given up. */
  webhooks(options?: { state?: 'pending' | 'delivered' | 'dead'; limit?: number }): Promise<Delivery[]>
  runWebhooks(runId: string): Promise<Delivery[]>
  replayWebhook(deliveryId: string): Promise<ReplayReply>
  replayRunWebhooks(runId: string): Promise<ReplayReply>

  health(): Promise<Partial<Health> & { ok: boolean }>
  version(): Promise<Version>
  models(): Promise<string[]>
  chat(messages: Array<Record<string, unknown>>, options?: Record<string, unknown>): Promise<Record<string, unknown>>
  metrics(): Promise<string>
  openapi(): Promise<Record<string, unknown>>
}

/** Did the server send these bytes? signature: X-Mantis-Signature, or X-Mantis-Signature-V2 and then not too old. */
export declare function verifyWebhookSignature(body: string | Uint8Array, signature: string | null | undefined, secret: string | Uint8Array,
  options?: { toleranceMs?: number | null; nowMs?: number }): Promise<boolean>
