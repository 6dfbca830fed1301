//! Writes what the fuzz targets start from: `seeds FOLDER` makes `FOLDER/TARGET/NUMBER`.

use std::path::PathBuf;

use svid_fuzz_targets::TARGETS;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(
        || Err(std::io::Error::other("say where to: seeds FOLDER")),
        |folder| Ok(PathBuf::from(folder)),
    )?;
    for target in TARGETS {
        let folder = folder.join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            std::fs::write(folder.join(format!("{number:04}")), seed)?;
        }
    }
    Ok(())
}
