export type Severity = 'sev1' | 'sev2' | 'sev3' | 'sev4' | 'sev5';
export type Impact = 'low' | 'medium' | 'high' | 'critical';
export type AlarmState = 'inactive' | 'pending' | 'firing' | 'resolved' | 'nodata' | 'error';
export type Role = 'deputy' | 'scribe' | 'subject-matter-expert' | 'customer-liaison' | 'internal-liaison';
export type IncidentStatus = 'open' | 'acknowledged' | 'mitigated' | 'resolved';
export type RunStatus = 'requested' | 'running' | 'waiting' | 'interrupted' | 'succeeded' | 'failed' | 'cancelled';
export type StepStatus = 'pending' | 'running' | 'waiting' | 'interrupted' | 'succeeded' | 'failed' | 'skipped' | 'cancelled';
export type Json = unknown;
type N<T> = T | null;

export interface EntitySummary { reference: string; kind: string; name: string; title?: N<string>; description?: N<string>; type?: N<string>; lifecycle?: N<string>; owner?: N<string>; system?: N<string>; impact?: N<Impact>; tier?: N<number>; tags: string[]; service?: N<string>; alarm_state?: N<AlarmState> }
export interface Relation { type: string; target: string; known: boolean }
export interface DocumentOrigin { path: string; line: number; column: number }
export interface EntityDetail { summary: EntitySummary; labels: Record<string, string>; annotations: Record<string, string>; links: { url: string; title?: N<string> }[]; relations: Relation[]; commander?: N<string>; origin: DocumentOrigin; alarms: AlarmRecord[]; incidents: Incident[]; runs: Run[]; runbooks: string[] }
export interface GoldenSignals { service: string; step_s: number; time_s: number[]; rate: number[]; errors: number[]; p50_ms: N<number>[]; p95_ms: N<number>[]; p99_ms: N<number>[] }
export interface ServiceNode { service: string; component?: N<string>; impact?: N<Impact>; alarm_state?: N<AlarmState>; rate: number; error_ratio: number; p95_ms: number }
export interface ServiceEdge { from: string; to: string; rate: number; error_ratio: number; p95_ms: number; asynchronous: boolean }
export interface ServiceMap { nodes: ServiceNode[]; edges: ServiceEdge[] }
export interface ServiceNames { services: string[]; operations: Record<string, string[]> }

export interface Evidence { language: 'promql' | 'sql'; query: string; start: string; end: string; result: Json }
export interface Verdict { state: AlarmState; at: string; evidence: Evidence }
export interface AlarmInstance { labels: Record<string, string>; annotations: Record<string, string>; state: AlarmState; value: number; active_at: string; fired_at?: N<string>; resolved_at?: N<string>; last_true_at: string; incident?: N<string> }
export interface AlarmRecord { id: string; group: string; name: string; expression: string; component?: N<string>; severity?: N<string>; runbook?: N<string>; state: AlarmState; since: string; error?: N<string>; instances: AlarmInstance[]; verdict?: N<Verdict> }

export interface Event { specversion: string; id: string; source: string; type: string; subject?: N<string>; time: string; position: number; actor: string; incident?: N<string>; run?: N<string>; cause?: N<string>; data: Json }
export interface EventRuleView { name: string; description?: N<string>; enabled: boolean; pattern: Json; targets: Json[]; origin: DocumentOrigin }
export interface Delivery { id: string; channel: 'webhook' | 'slack'; rule: string; target: string; headers: Record<string, string>; body: Json; status: 'pending' | 'delivered' | 'dead'; attempts: number; next_attempt_at?: N<string>; last_error?: N<string>; created_at: string; delivered_at?: N<string>; cause: string; incident?: N<string> }

export interface Incident { id: string; title: string; summary: string; severity: Severity; status: IncidentStatus; commander?: N<string>; roles: Partial<Record<Role, string>>; components: string[]; fingerprint?: N<string>; opened_at: string; acknowledged_at?: N<string>; mitigated_at?: N<string>; resolved_at?: N<string>; revision: number }
export interface TimelineEntry { time: string; text: string; event: Event }
export interface IncidentDetail { incident: Incident; timeline: TimelineEntry[]; runs: Run[]; alarms: AlarmRecord[]; actions: Action[]; postmortem?: N<Postmortem> }
export interface DeclareIncident { title: string; summary?: string; severity?: N<Severity>; components?: string[]; commander?: N<string> }
export interface ChangeIncident { title?: N<string>; summary?: N<string>; severity?: N<Severity>; status?: N<IncidentStatus>; commander?: N<string>; roles?: Partial<Record<Role, N<string>>> }

export interface Postmortem { incident: string; title: string; path: string; drafted_at: string }
export interface PostmortemDetail { postmortem: Postmortem; incident: Incident; markdown: string; charts: { name: string; svg: string }[]; actions: Action[] }
export interface Action { id: string; incident: string; title: string; owner?: N<string>; status: 'open' | 'done'; created_at: string; done_at?: N<string> }

export interface RunbookParameter { name: string; description?: N<string>; default?: N<string>; required: boolean; allowed: string[] }
export interface RunbookSummary { name: string; title: string; kind: 'runbook' | 'playbook'; description?: N<string>; owner?: N<string>; component?: N<string>; cells: number; last_run?: N<Run> }
export interface RunbookDetail { summary: RunbookSummary; parameters: RunbookParameter[]; markdown: string; path: string; runs: Run[] }
export interface Run { id: string; kind: 'runbook' | 'playbook'; document: string; title: string; document_digest: string; status: RunStatus; initiator: string; incident?: N<string>; component?: N<string>; parameters: Record<string, string>; outputs: Record<string, string>; requested_at: string; started_at?: N<string>; finished_at?: N<string>; deadline?: N<string>; error?: N<string>; cancel_requested: boolean; revision: number }
export interface Approval { approvers: string[]; needed: number; reason?: N<string>; expires_at?: N<string>; approved_by: string[]; rejected_by?: N<string>; digest: string }
export interface Step { run: string; index: number; name: string; language: string; source: string; status: StepStatus; attempt: number; started_at?: N<string>; finished_at?: N<string>; exit_code?: N<number>; error?: N<string>; approval?: N<Approval> }
export interface RunDetail { run: Run; steps: Step[] }
export interface OutputChunk { run: string; step: number; sequence: number; kind: 'stdout' | 'stderr' | 'table' | 'chart' | 'note'; time: string; data: string }
export interface RunOutput { chunks: OutputChunk[]; next: number }
export interface RequestRun { document: string; parameters?: Record<string, string>; incident?: N<string>; component?: N<string>; key?: N<string> }

export interface ComponentHealth { reference: string; title: string; owner?: N<string>; impact?: N<Impact>; tier?: N<number>; alarm_state?: N<AlarmState>; rate?: N<number>; error_ratio?: N<number>; p95_ms?: N<number> }
export interface Overview { workload: string; at: string; health: 'good' | 'attention' | 'bad'; incidents: Incident[]; alarms: AlarmRecord[]; runs: Run[]; components: ComponentHealth[]; open_actions: Action[]; dead_deliveries: Delivery[]; recent_events: Event[]; documents: { documents: number; errors: number; warnings: number }; has_signals: boolean }

export type ColumnType = 'boolean' | 'integer' | 'float' | 'text' | 'timestamp' | 'json';
export interface Table { columns: { name: string; type: ColumnType }[]; rows: unknown[][]; truncated: boolean }
export interface TableSchema { name: string; description: string; columns: { name: string; type: ColumnType; description: string }[] }

export interface LogLine { time: string; service: string; severity: string; body: string; trace_id?: N<string>; span_id?: N<string>; attributes: Record<string, unknown>; resource: Record<string, unknown> }
export interface Logs { lines: LogLine[]; truncated: boolean }
export interface LogHistogram { step_s: number; time_s: number[]; series: { severity: string; counts: number[] }[] }
export interface TraceSummary { trace_id: string; start_time: string; duration_ms: number; root_service: string; root_name: string; spans: number; errors: number; services: string[] }
export interface TraceSpan { span_id: string; parent_span_id?: N<string>; service: string; name: string; kind: string; status: string; status_message?: N<string>; start_time: string; duration_ms: number; attributes: Record<string, unknown>; resource: Record<string, unknown>; events: unknown[]; links: unknown[] }
export interface Trace { trace_id: string; spans: TraceSpan[] }

export interface TaskStatus { name: string; passes: number; failures: number; last_summary: string; last_error?: N<string>; last_started?: N<string>; last_duration_ms: number }
export interface ServerStatus { version: string; started_at: string; ledger: string; lake: string; otlp_grpc: string; otlp_http: string; ops: string; revision?: N<string>; tasks: TaskStatus[] }
export interface DocumentProblem { code: string; level: string; origin: DocumentOrigin; message: string; mend?: N<string> }
export interface Problem { title: string; status: number; detail: string }
