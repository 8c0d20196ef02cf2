/** The API's types by their names in its OpenAPI document. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Action = Schemas['Action'];
export type AlarmInstance = Schemas['AlarmInstance'];
export type AlarmRecord = Schemas['AlarmRecord'];
export type AlarmState = Schemas['AlarmState'];
export type Approval = Schemas['Approval'];
export type ChangeIncident = Schemas['ChangeIncident'];
export type ComponentHealth = Schemas['ComponentHealth'];
export type DeclareIncident = Schemas['DeclareIncident'];
export type Delivery = Schemas['Delivery'];
export type DocumentProblem = Schemas['DocumentProblem'];
export type EntityDetail = Schemas['EntityDetail'];
export type EntitySummary = Schemas['EntitySummary'];
export type Event = Schemas['Event'];
export type EventRuleView = Schemas['EventRuleView'];
export type Evidence = Schemas['Evidence'];
export type GoldenSignals = Schemas['GoldenSignals'];
export type Incident = Schemas['Incident'];
export type IncidentDetail = Schemas['IncidentDetail'];
export type IncidentStatus = Schemas['IncidentStatus'];
export type LogHistogram = Schemas['LogHistogram'];
export type LogLine = Schemas['LogLine'];
export type Logs = Schemas['Logs'];
export type OutputChunk = Schemas['OutputChunk'];
export type Overview = Schemas['Overview'];
export type Postmortem = Schemas['Postmortem'];
export type PostmortemDetail = Schemas['PostmortemDetail'];
export type Problem = Schemas['Problem'];
export type Relation = Schemas['Relation'];
export type RequestRun = Schemas['RequestRun'];
export type Run = Schemas['Run'];
export type RunbookDetail = Schemas['RunbookDetail'];
export type RunbookSummary = Schemas['RunbookSummary'];
export type RunDetail = Schemas['RunDetail'];
export type RunOutput = Schemas['RunOutput'];
export type RunStatus = Schemas['RunStatus'];
export type ServerStatus = Schemas['ServerStatus'];
export type ServiceMap = Schemas['ServiceMap'];
export type ServiceNames = Schemas['ServiceNames'];
export type Severity = Schemas['Severity'];
export type Step = Schemas['Step'];
export type Table = Schemas['Table'];
export type TableSchema = Schemas['TableSchema'];
export type TimelineEntry = Schemas['TimelineEntry'];
export type Trace = Schemas['Trace'];
export type TraceSpan = Schemas['TraceSpan'];
export type TraceSummary = Schemas['TraceSummary'];
export type Verdict = Schemas['Verdict'];

/** The roles of an incident beside its commander; the document names them only as keys. */
export type Role = 'deputy' | 'scribe' | 'subject-matter-expert' | 'customer-liaison' | 'internal-liaison';
