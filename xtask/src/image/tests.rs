use super::*;

/// An archive with an image for one platform.
fn archive(folder: &Path, architecture: &'static str) -> PathBuf {
    let mut archive = Archive::default();
    let layer = Layer::default();
    let layer = layer.file("program", architecture.as_bytes(), 0o755);
    let image = archive.image(&Image {
        architecture,
        layer: layer.unwrap(),
        config: json!({"Labels": {REVISION: "0a1b"}}),
    });
    archive.name("localhost/x:v1", &[image.unwrap()]).unwrap();
    let path = folder.join(format!("{architecture}.tar"));
    archive.write(&path).unwrap();
    path
}

#[test]
fn archives_of_two_platforms_become_one_image_in_whatever_order_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let arm = archive(folder.path(), "arm64");
    let amd = archive(folder.path(), "amd64");
    let path = folder.path().join("both.tar");
    let joined = join(&[arm.clone(), amd.clone()], "localhost/x:v1", &path).unwrap();
    assert_eq!(joined.architectures, ["amd64", "arm64"]);
    assert_eq!(joined.commits, BTreeSet::from(["0a1b".to_owned()]));
    let other = folder.path().join("other.tar");
    let turned = join(&[amd, arm], "localhost/x:v1", &other).unwrap();
    assert_eq!(turned.digest, joined.digest);
    assert_eq!(fs::read(&other).unwrap(), fs::read(&path).unwrap());
    // What was put together can be taken apart again.
    let again = join(&[path], "localhost/x:v1", &folder.path().join("again.tar")).unwrap();
    assert_eq!(again.digest, joined.digest);
}

#[test]
fn a_platform_that_comes_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let amd = archive(folder.path(), "amd64");
    let error = join(
        &[amd.clone(), amd],
        "localhost/x:v1",
        &folder.path().join("x.tar"),
    );
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "amd64 is in the archives more than once");
}

#[test]
fn an_archive_with_a_changed_blob_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path(), "amd64");
    let mut content = fs::read(&path).unwrap();
    let at = content
        .windows(5)
        .position(|word| word == b"amd64")
        .unwrap();
    content[at] = b'A';
    fs::write(&path, content).unwrap();
    let error = join(&[path], "localhost/x:v1", &folder.path().join("x.tar"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is not what its name says"), "{error}");
}

#[test]
fn paths_of_a_build_have_names_that_are_the_same_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let workshop = |name: &str| {
        let folder = folder.path().join(name);
        let workshop = Workshop {
            sources: folder.join("sources"),
            target: folder.join("target"),
            cargo_home: folder.join("cargo"),
        };
        let registry = workshop.cargo_home.join("registry/src").join(name);
        fs::create_dir_all(registry).unwrap();
        let names = workshop.names(&folder.join("rust"), "0123").unwrap();
        assert!(names.iter().all(|(path, _)| path.starts_with(&folder)));
        names.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    let names = ["/csi-driver-spiffe", "/target", "/rustc/0123", "/crates"];
    assert_eq!(workshop("one"), names);
    assert_eq!(workshop("two"), names);
}
