//! Method and query parameters: what is asked, apart from where.

use std::time::Duration;

use http::Method;

use super::Problem;
use super::page::Page;
use super::target::{Subresource, Target};
use crate::store::{FieldSelector, LabelSelector, Selector};

/// The RBAC verbs that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
}

impl Verb {
    /// The verb that a method means here.
    pub(super) fn of(method: &Method, target: &Target, query: &Query) -> Result<Self, Problem> {
        let token = target.subresource == Some(Subresource::Token);
        match (method.as_str(), &target.name) {
            ("POST", Some(_)) if token => Ok(Self::Create),
            _ if token => Err(Problem::MethodNotAllowed),
            ("GET", Some(_)) => Ok(Self::Get),
            ("GET", None) if query.watch => Ok(Self::Watch),
            ("GET", None) => Ok(Self::List),
            ("POST", None) => Ok(Self::Create),
            ("PUT", Some(_)) => Ok(Self::Update),
            ("PATCH", Some(_)) => Ok(Self::Patch),
            ("DELETE", Some(_)) if target.subresource.is_none() => Ok(Self::Delete),
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// The query parameters that are honoured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) watch: bool,
    pub(super) selector: Selector,
    /// `None` where absent or empty.
    pub(super) resource_version: Option<u64>,
    pub(super) bookmarks: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) grace_period: Option<u64>,
    /// `None` where absent or 0: the list is whole.
    pub(super) limit: Option<usize>,
    /// What a list said in `metadata.continue`.
    pub(super) page: Option<Page>,
}

impl Query {
    /// Parses a query string. Unknown parameters are ignored, as a real API server does.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs: axum::extract::Query<Vec<(String, String)>> = format!("http://_/?{text}")
            .parse()
            .ok()
            .and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok())
            .ok_or_else(|| Problem::BadRequest("the query cannot be read".to_owned()))?;
        let mut query = Self::default();
        for (key, value) in pairs.0 {
            query.set(&key, &value)?;
        }
        Ok(query)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Problem> {
        match key {
            "watch" => self.watch = truth(value),
            "labelSelector" => self.selector.labels = LabelSelector::parse(value)?,
            "fieldSelector" => self.selector.fields = FieldSelector::parse(value)?,
            "resourceVersion" if !value.is_empty() => {
                self.resource_version = Some(number(key, value)?);
            }
            "allowWatchBookmarks" => self.bookmarks = truth(value),
            "timeoutSeconds" => {
                self.timeout = Some(Duration::from_secs(number(key, value)?));
            }
            "gracePeriodSeconds" => self.grace_period = Some(number(key, value)?),
            "limit" => {
                let limit = usize::try_from(number(key, value)?).unwrap_or(usize::MAX);
                self.limit = (limit > 0).then_some(limit);
            }
            "dryRun" | "sendInitialEvents" if value == "All" || truth(value) => {
                return Err(Problem::BadRequest(format!("{key} is not served")));
            }
            "continue" if !value.is_empty() => self.page = Some(Page::decode(value)?),
            _ => {}
        }
        Ok(())
    }
}

fn truth(value: &str) -> bool {
    matches!(value, "" | "1" | "t" | "T" | "true" | "True" | "TRUE")
}

fn number(key: &str, value: &str) -> Result<u64, Problem> {
    value
        .parse()
        .map_err(|error| Problem::BadRequest(format!("{key} {value:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_single_object_watch_is_understood() {
        let query = Query::parse(
            "&watch=true&fieldSelector=metadata.name%3Da&resourceVersion=7&timeoutSeconds=290\
             &allowWatchBookmarks=true&limit=500",
        )
        .expect("query");
        assert!(query.watch && query.bookmarks);
        assert_eq!(query.resource_version, Some(7));
        assert_eq!(query.timeout, Some(Duration::from_secs(290)));
        assert_eq!(query.selector.fields.name(), Some("a"));
    }

    #[test]
    fn malformed_parameters_and_those_that_are_not_served_are_refused() {
        for text in [
            "resourceVersion=x",
            "resourceVersion=-1",
            "timeoutSeconds=1.5",
            "fieldSelector=spec.request%3Da",
            "labelSelector=%3D",
            "dryRun=All",
            "sendInitialEvents=true",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Query::parse("resourceVersion=")
                .expect("empty")
                .resource_version,
            None
        );
    }
}
