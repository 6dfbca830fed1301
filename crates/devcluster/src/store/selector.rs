//! Label and field selectors, and whether an object is selected.
//!
//! Labels: equality, inequality, set and presence. Fields: equality and inequality on the few
//! fields that a real API server indexes for our types; any other field is refused, as it does.

use serde_json::Value;

use super::meta;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SelectorError {
    /// A part that is neither `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (..)` nor `a notin (..)`.
    #[error("unable to parse requirement {0:?}")]
    Malformed(String),
    /// A field that cannot be selected on.
    #[error("field label not supported: {0}")]
    Field(String),
}

/// What a LIST or WATCH asks for inside one resource type and namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selector {
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    /// Parses the query parameter; empty selects everything.
    pub(crate) fn parse(text: &str) -> Result<Self, SelectorError> {
        split_outside_parentheses(text)
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(label_requirement)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn matches(&self, object: &Value) -> bool {
        let labels = object
            .pointer("/metadata/labels")
            .and_then(Value::as_object);
        let read = |key: &str| labels.and_then(|all| all.get(key)).and_then(Value::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                read(key).is_some_and(|have| values.iter().any(|value| value == have))
            }
            Requirement::NotIn(key, values) => {
                read(key).is_none_or(|have| values.iter().all(|value| value != have))
            }
            Requirement::Exists(key) => read(key).is_some(),
            Requirement::Missing(key) => read(key).is_none(),
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// Parses the query parameter; empty selects everything.
    pub(crate) fn parse(text: &str) -> Result<Self, SelectorError> {
        text.split(',')
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (key, equal, value) =
                    comparison(part).ok_or_else(|| SelectorError::Malformed(part.to_owned()))?;
                if FIELDS.contains(&key) {
                    Ok((key.to_owned(), equal, value.to_owned()))
                } else {
                    Err(SelectorError::Field(key.to_owned()))
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Selects on one field, which must be one of those that can be selected on.
    pub(crate) fn on(field: &str, value: &str) -> Self {
        Self(vec![(field.to_owned(), true, value.to_owned())])
    }

    /// The one name that `metadata.name=` asks for, if it does.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, equal, _)| key == "metadata.name" && *equal)
            .map(|(_, _, value)| value.as_str())
    }

    fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(key, equal, value)| {
            let pointer = format!("/{}", key.replace('.', "/"));
            (meta::text(object, &pointer) == value) == *equal
        })
    }
}

fn label_requirement(part: &str) -> Result<Requirement, SelectorError> {
    let malformed = || SelectorError::Malformed(part.to_owned());
    if let Some(key) = part.strip_prefix('!') {
        return word(key).map(Requirement::Missing).ok_or_else(malformed);
    }
    if let Some(list) = part.strip_suffix(')') {
        let (head, list) = list.split_once('(').ok_or_else(malformed)?;
        let values = list
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let (key, operator) = head.trim().rsplit_once(' ').ok_or_else(malformed)?;
        let key = word(key).ok_or_else(malformed)?;
        return match operator {
            "in" => Ok(Requirement::In(key, values)),
            "notin" => Ok(Requirement::NotIn(key, values)),
            _ => Err(malformed()),
        };
    }
    if let Some((key, equal, value)) = comparison(part) {
        let key = word(key).ok_or_else(malformed)?;
        let values = vec![value.trim().to_owned()];
        return Ok(if equal {
            Requirement::In(key, values)
        } else {
            Requirement::NotIn(key, values)
        });
    }
    word(part).map(Requirement::Exists).ok_or_else(malformed)
}

fn comparison(part: &str) -> Option<(&str, bool, &str)> {
    if let Some((key, value)) = part.split_once("!=") {
        return Some((key, false, value));
    }
    let (key, value) = part.split_once('=')?;
    Some((key, true, value.strip_prefix('=').unwrap_or(value)))
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!text.is_empty() && text.chars().all(legal)).then(|| text.to_owned())
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|c| {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        c == ',' && !inside
    })
    .collect()
}

/// The fields that our types can be selected on (cert-manager's three since its 1.20).
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.issuerRef.name",
    "spec.issuerRef.kind",
    "spec.issuerRef.group",
    "status.phase",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_select_by_equality_set_and_presence() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        let table = [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app=web,tier=front", true),
            ("app=web,tier=back", false),
            ("app!=web", false),
            ("absent!=x", true),
            ("app", true),
            ("absent", false),
            ("!absent", true),
            ("!app", false),
            ("app in (web, db)", true),
            ("app in (db),tier", false),
            ("app notin (db,web)", false),
            ("absent notin (db)", true),
        ];
        for (text, expected) in table {
            let selector = LabelSelector::parse(text).expect(text);
            assert_eq!(selector.matches(&object), expected, "{text}");
        }
    }

    #[test]
    fn malformed_label_selectors_are_refused() {
        for text in ["=x", "!", "a b", "a in b)", "a within (b)", "a\u{e9}=b"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_select_by_the_fields_that_are_indexed() {
        let object =
            json!({"metadata": {"name": "a", "namespace": "x"}, "spec": {"nodeName": "n"}});
        let table = [
            ("", true),
            ("metadata.name=a", true),
            ("metadata.name==a,metadata.namespace=x", true),
            ("metadata.name=b", false),
            ("metadata.name!=b,spec.nodeName=n", true),
            ("spec.nodeName!=n", false),
        ];
        for (text, expected) in table {
            let selector = FieldSelector::parse(text).expect(text);
            assert_eq!(selector.matches(&object), expected, "{text}");
        }
        assert_eq!(
            FieldSelector::parse("spec.request=x"),
            Err(SelectorError::Field("spec.request".to_owned()))
        );
        assert!(FieldSelector::parse("metadata.name").is_err());
    }

    #[test]
    fn the_name_of_a_single_object_watch_is_known() {
        let name = |text| {
            let selector = FieldSelector::parse(text).expect(text);
            selector.name().map(str::to_owned)
        };
        assert_eq!(name("metadata.name=a"), Some("a".to_owned()));
        assert_eq!(name("metadata.name!=a"), None);
        assert_eq!(name("metadata.namespace=a"), None);
    }
}
