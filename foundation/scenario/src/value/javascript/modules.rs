//! Finding and loading a script's files.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use rquickjs::function::This;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{CatchResultExt, Ctx, Exception, Function, Module, Object, Runtime, TypedArray};

use super::ProcessorError;
use super::interpreter::{Fault, invoke};

/// Where a script's files may lie: below its own folder, or that of its functions.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    /// The file of the functions.
    file: PathBuf,
    allowed: Vec<PathBuf>,
}

impl Folders {
    pub(super) fn of(file: &Path, folder: &Path) -> Result<Self, ProcessorError> {
        let shown = file.display().to_string();
        let unreadable = |error: std::io::Error| ProcessorError::Unreadable { path: shown.clone(), reason: error.to_string() };
        let candidates = std::iter::once(file.to_owned()).chain(ENDINGS.iter().map(|ending| with_ending(file, ending)));
        let found = candidates.into_iter().find(|path| path.is_file()).unwrap_or_else(|| file.to_owned());
        let file = found.canonicalize().map_err(unreadable)?;
        if is_typescript(&file) {
            return Err(ProcessorError::TypeScript { path: shown });
        }
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let folder = folder.canonicalize().map_err(unreadable)?;
        let own = file.parent().unwrap_or(&folder).to_owned();
        Ok(Self { file, allowed: vec![folder, own] })
    }

    /// The script's folder.
    pub(super) fn start(&self) -> String {
        self.allowed[0].to_string_lossy().into_owned()
    }

    /// Serves `import`.
    pub(super) fn serve(&self, runtime: &Runtime) {
        runtime.set_loader(self.clone(), self.clone());
    }

    /// Serves `require` and `fs`.
    pub(super) fn offer<'js>(&self, ctx: &Ctx<'js>, offered: &Object<'js>) -> rquickjs::Result<()> {
        let folders = self.clone();
        let resolve = move |ctx: Ctx<'js>, folder: String, specifier: String| {
            let path = folders.find(Path::new(&folder), &specifier).map_err(|why| Exception::throw_message(&ctx, &why))?;
            if path.ends_with(".mjs") || (!path.ends_with(".json") && is_module(&folders.text(&ctx, &path)?)) {
                return Err(Exception::throw_message(&ctx, &format!("{specifier} is an ES module: import it instead")));
            }
            Ok(path)
        };
        offered.set("resolve", Function::new(ctx.clone(), resolve)?)?;
        let folders = self.clone();
        let source = move |ctx: Ctx<'js>, path: String| folders.text(&ctx, &path);
        offered.set("source", Function::new(ctx.clone(), source)?)?;
        let folders = self.clone();
        let compile = move |ctx: Ctx<'js>, path: String| {
            let source = folders.text(&ctx, &path)?;
            compile(&ctx, &path, &source)
        };
        offered.set("compile", Function::new(ctx.clone(), compile)?)?;
        let folders = self.clone();
        let read = move |ctx: Ctx<'js>, path: String| {
            let bytes = folders.read(&path).map_err(|why| Exception::throw_message(&ctx, &why))?;
            TypedArray::<u8>::new(ctx, bytes)
        };
        offered.set("read", Function::new(ctx.clone(), read)?)?;
        let folders = self.clone();
        offered.set("exists", Function::new(ctx.clone(), move |path: String| folders.allowed_file(&path).is_ok())?)
    }

    /// Runs the file of the functions; their names.
    pub(super) fn load(&self, ctx: &Ctx<'_>) -> Result<Vec<String>, Fault> {
        let path = self.file.to_string_lossy().into_owned();
        let source = self.text(ctx, &path).catch(ctx).map_err(Fault::from)?;
        let exported = if path.ends_with(".mjs") || is_module(&source) {
            import(ctx, &path, source).catch(ctx).map_err(Fault::from)?
        } else {
            invoke::<_, Object<'_>>(ctx, "load", (path,))?
        };
        invoke(ctx, "install", (exported,))
    }

    /// The file that a relative name stands for.
    fn find(&self, folder: &Path, specifier: &str) -> Result<String, String> {
        if !specifier.starts_with(['.', '/']) {
            return Err(format!(
                "the module `{specifier}` is not available: functions of a script have no packages of Node, only their own files and {BUILTIN}"
            ));
        }
        let wanted = folder.join(specifier);
        let endings = ENDINGS.iter().map(|ending| with_ending(&wanted, ending));
        let inside = ["index.js", "index.json"].iter().map(|name| wanted.join(name));
        let candidates = std::iter::once(wanted.clone()).chain(endings).chain(inside);
        let found = candidates.into_iter().find(|path| path.is_file());
        let found = found.ok_or_else(|| format!("there is no file `{specifier}` beside {}", folder.display()))?;
        if is_typescript(&found) {
            return Err(format!("`{specifier}` is TypeScript, which Mainstay does not run: compile it to JavaScript first"));
        }
        self.allowed_file(&found.to_string_lossy()).map(|path| path.to_string_lossy().into_owned())
    }

    fn allowed_file(&self, path: &str) -> Result<PathBuf, String> {
        let path = self.allowed[0].join(path);
        let found = path.canonicalize().map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if self.allowed.iter().any(|folder| found.starts_with(folder)) {
            Ok(found)
        } else {
            Err(format!("{} lies outside the script's folder", path.display()))
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = self.allowed_file(path)?;
        let length = file.metadata().map_err(|error| format!("cannot read {path}: {error}"))?.len();
        if length > FILE_BYTES_MAX {
            return Err(format!("{path} is larger than {} MB", FILE_BYTES_MAX >> 20));
        }
        std::fs::read(&file).map_err(|error| format!("cannot read {path}: {error}"))
    }

    fn text(&self, ctx: &Ctx<'_>, path: &str) -> rquickjs::Result<String> {
        let bytes = self.read(path).map_err(|why| Exception::throw_message(ctx, &why))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }
}

/// A CommonJS module as a function of what its code sees.
fn compile<'js>(ctx: &Ctx<'js>, path: &str, source: &str) -> rquickjs::Result<Function<'js>> {
    let mut options = rquickjs::context::EvalOptions::default();
    options.strict = false;
    options.filename = Some(path.to_owned());
    // On one line with the first of the source, so that lines count as in the file.
    let source = source.strip_prefix("#!").map_or(source.to_owned(), |rest| format!("//{rest}"));
    ctx.eval_with_options(format!("(function (exports, require, module, __filename, __dirname) {{{source}\n}})"), options)
}

fn import<'js>(ctx: &Ctx<'js>, path: &str, source: String) -> rquickjs::Result<Object<'js>> {
    let (module, promise) = Module::declare(ctx.clone(), path, source)?.eval()?;
    match promise.finish::<()>() {
        Err(rquickjs::Error::WouldBlock) => Err(Exception::throw_message(ctx, "its `await` at the top waits for what cannot come")),
        result => result.and_then(|()| module.namespace()),
    }
}

impl Resolver for Folders {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        let known: String = own(ctx)?.get::<_, Function<'js>>("known")?.call((name,))?;
        if !known.is_empty() {
            return Ok(format!("node:{known}"));
        }
        let folder = Path::new(base).parent().unwrap_or(Path::new("/"));
        self.find(folder, name).map_err(|why| Exception::throw_message(ctx, &why))
    }
}

impl Loader for Folders {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let is_own = |source: &str| name.ends_with(".mjs") || is_module(source);
        let source = if name.starts_with("node:") { None } else { Some(self.text(ctx, name)?).filter(|source| is_own(source)) };
        let source = match source {
            Some(source) => source,
            None => own(ctx)?.get::<_, Function<'js>>("bridge")?.call((This(()), name))?,
        };
        Module::declare(ctx.clone(), name, source)
    }
}

fn own<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    ctx.globals().get(super::native::OWN)
}

/// Whether a text is an ES module: whether a line begins with `export` or `import … from`.
fn is_module(source: &str) -> bool {
    static SIGN: LazyLock<Regex> = LazyLock::new(|| {
        let sign = r#"(?m)^\s*(export\s+(default|const|let|var|function|async|class)\b|export\s*[{*]|import\s+[\w*{][^;'"]*\sfrom\s*['"]|import\s*\{[^;'"]*\}\s*from\s*['"]|import\s*['"])"#;
        Regex::new(sign).expect("it is written here")
    });
    SIGN.is_match(source)
}

fn is_typescript(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["ts", "mts", "cts", "tsx"].iter().any(|known| ending == *known))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// `.ts` is found only to be refused by name.
const ENDINGS: [&str; 5] = [".js", ".cjs", ".mjs", ".json", ".ts"];
const FILE_BYTES_MAX: u64 = 64 << 20;
const BUILTIN: &str = "assert, buffer, crypto, events, fs, path, querystring, timers, url and util";
