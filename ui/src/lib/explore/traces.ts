export interface TraceFilter {
  service?: string;
  operation?: string;
  min_duration_ms?: number;
  max_duration_ms?: number;
  errors?: boolean;
}

/** The filter as the URL holds it; what makes no sense is left out. */
export function traceFilter(params: URLSearchParams): TraceFilter {
  return {
    service: params.get('service') ?? undefined,
    operation: params.get('operation') ?? undefined,
    min_duration_ms: positive(params.get('min_duration_ms')),
    max_duration_ms: positive(params.get('max_duration_ms')),
    errors: params.get('errors') === 'true' || undefined
  };
}

function positive(text: string | null): number | undefined {
  const value = Number(text);
  return text && value > 0 && Number.isFinite(value) ? value : undefined;
}
