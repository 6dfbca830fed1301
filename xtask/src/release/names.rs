//! Under which names a release is published, and whether it may be.

use anyhow::{Result, ensure};

use super::chart;
use crate::project::Project;

/// The names of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Registry and path of the image.
    pub(super) image: String,
    /// Registry and path of the folder that the chart is in, without `oci://`.
    pub(super) charts: String,
    /// Where people open the repository, if that is decided.
    pub(super) home: Option<String>,
}

impl Names {
    /// The project's own, as its owner decided them.
    ///
    /// # Errors
    /// As long as anything is not decided: all of it, by name.
    pub(super) fn of_the_project(project: &Project) -> Result<Self> {
        let undecided: Vec<_> = project.undecided().map(|(name, _)| name).collect();
        ensure!(
            undecided.is_empty(),
            "project.toml: the owner has not decided {}; nothing is released under placeholders. For a registry of your own say `--registry`",
            undecided.join(", ")
        );
        let chart = project.value("chart")?;
        let charts = chart
            .strip_prefix("oci://")
            .and_then(|path| path.strip_suffix(&format!("/{}", chart::NAME)));
        let Some(charts) = charts else {
            anyhow::bail!("project.toml: chart is not oci://.../{}", chart::NAME);
        };
        Ok(Self {
            image: project.value("image")?.to_owned(),
            charts: charts.to_owned(),
            home: Some(project.value("home")?.to_owned()),
        })
    }

    /// Those in somebody's own registry, as in `registry.example.com/identity`.
    pub(super) fn in_registry(registry: &str, project: &Project) -> Self {
        let registry = registry.trim_end_matches('/');
        Self {
            image: format!("{registry}/csi-driver-spiffe"),
            charts: format!("{registry}/charts"),
            home: project.decided("home").map(str::to_owned),
        }
    }

    /// The chart, without `oci://`.
    pub(super) fn chart(&self) -> String {
        format!("{}/{}", self.charts, chart::NAME)
    }

    /// Whether the registry is on this machine, where nobody else hears what is said.
    pub(super) fn is_on_this_machine(&self) -> bool {
        let host = self.image.split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECIDED: &str = "home = \"https://example.org/x\"\nimage = \"quay.example/x\"\nchart = \"oci://quay.example/charts/cert-manager-csi-driver-spiffe\"\n";

    fn project(text: &str) -> Project {
        Project::parse(text).unwrap()
    }

    #[test]
    fn nothing_is_released_while_a_placeholder_stands() {
        let text = format!("{DECIDED}security = \"security@home.invalid\"\n");
        let error = Names::of_the_project(&project(&text)).unwrap_err();
        assert!(
            error.to_string().contains("has not decided security;"),
            "{error}"
        );
        let names = Names::of_the_project(&project(DECIDED)).unwrap();
        assert_eq!(names.image, "quay.example/x");
        assert_eq!(names.charts, "quay.example/charts");
        assert_eq!(
            names.chart(),
            "quay.example/charts/cert-manager-csi-driver-spiffe"
        );
    }

    #[test]
    fn a_chart_that_helm_could_not_push_there_is_refused() {
        let text = DECIDED.replace("charts/cert-manager-csi-driver-spiffe", "charts/other");
        let error = Names::of_the_project(&project(&text)).unwrap_err();
        assert!(error.to_string().contains("chart is not oci://"), "{error}");
    }

    #[test]
    fn a_registry_of_ones_own_needs_no_decision_and_shows_no_placeholder() {
        let undecided = project("home = \"https://home.invalid/x\"\n");
        let names = Names::in_registry("registry.example.com/identity/", &undecided);
        assert_eq!(
            names.image,
            "registry.example.com/identity/csi-driver-spiffe"
        );
        assert_eq!(names.charts, "registry.example.com/identity/charts");
        assert_eq!(names.home, None);
    }

    #[test]
    fn only_loopback_is_spoken_to_without_encryption() {
        let is_near = |registry| Names::in_registry(registry, &project("")).is_on_this_machine();
        for near in [
            "localhost:5000",
            "127.0.0.1:5000/a",
            "[::1]:5000",
            "localhost",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in [
            "localhost.example.com",
            "127.0.0.1.example.com:5000",
            "registry:5000",
        ] {
            assert!(!is_near(far), "{far}");
        }
    }
}
