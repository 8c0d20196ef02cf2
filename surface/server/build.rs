//! Finds the built page, or stands in for it, so that the server can be worked on without Node.

use std::path::{Path, PathBuf};

fn main() {
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let built = manifest.join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", built.join("index.html").display());
    let page = if built.join("index.html").is_file() {
        // Rebuild when any file changes, not the entry alone.
        println!("cargo::rerun-if-changed={}", built.display());
        built
    } else {
        stand_in(&PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it")))
    };
    println!("cargo::rustc-env=MAINSTAY_PAGE={}", page.display());
}

fn stand_in(out: &Path) -> PathBuf {
    let folder = out.join("page");
    std::fs::create_dir_all(&folder).expect("the build's own folder can be written");
    let text = "<!doctype html><title>Mainstay</title><p>This binary was built without its page. \
                Build it with <code>cargo xtask build</code>. The API is described at \
                <a href=/api/openapi.json>/api/openapi.json</a>.";
    std::fs::write(folder.join("index.html"), text).expect("the build's own folder can be written");
    folder
}
