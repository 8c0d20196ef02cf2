//! `/api/documents/problems`

use ::documents::{Level, Origin};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::catalog::DocumentOrigin;
use wire::status::DocumentProblem;

use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(problems))
}

/// What `mainstay check` finds in the documents as the server reads them now.
#[utoipa::path(get, path = "/api/documents/problems", tag = "organize", responses((status = 200, body = Vec<DocumentProblem>)))]
async fn problems(State(app): State<App>) -> Json<Vec<DocumentProblem>> {
    let loaded = app.documents.borrow().clone();
    let problem = |diagnostic: &::documents::Diagnostic| DocumentProblem {
        code: diagnostic.code.to_owned(),
        level: level(diagnostic.level).to_owned(),
        origin: origin(&diagnostic.origin),
        message: diagnostic.message.clone(),
        mend: diagnostic.mend.clone(),
    };
    Json(loaded.diagnostics.iter().map(problem).collect())
}

pub(crate) fn origin(origin: &Origin) -> DocumentOrigin {
    DocumentOrigin { path: origin.path.clone(), line: origin.line, column: origin.column }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}
