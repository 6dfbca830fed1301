//! Values of the chart: a name that a page gives is one that the chart has.

use serde_json::Value;

use super::Pages;

/// Names every mention of a value that the chart's schema does not have, in prose and in code.
pub(super) fn unknown(pages: &Pages, schema: &Value) -> Vec<String> {
    let mut violations = Vec::new();
    for (path, page) in pages {
        for (index, line) in page.lines().enumerate() {
            for value in mentioned(line, schema).filter(|value| !has(schema, value)) {
                let (path, number) = (path.display(), index + 1);
                violations.push(format!(
                    "{path}:{number}: the chart has no value {value}: see values.yaml"
                ));
            }
        }
    }
    violations
}

/// The words of a line that begin as a value below another does, such as `app.name`; not what goes
/// on as no value can, such as the label `app.kubernetes.io/name`.
fn mentioned<'a>(line: &'a str, schema: &Value) -> impl Iterator<Item = &'a str> {
    let words =
        line.split(|letter: char| !letter.is_ascii_alphanumeric() && !"./-_".contains(letter));
    words.filter_map(|word| {
        let word = word.trim_end_matches('.');
        let (first, _) = word.split_once('.')?;
        let is_value = property(schema, first).is_some() && !word.contains(['/', '-', '_']);
        is_value.then_some(word)
    })
}

/// Below what has no properties of its own, as a map of labels, any name may stand.
fn has(schema: &Value, value: &str) -> bool {
    let mut schema = schema;
    for name in value.split('.') {
        match property(schema, name) {
            Some(inner) => schema = inner,
            None => return schema.get("properties").is_none(),
        }
    }
    true
}

fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(name)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn found(line: &str) -> Vec<String> {
        let schema = serde_json::json!({"properties": {
            "app": {"properties": {"name": {"type": "string"}, "resources": {"type": "object"}}},
            "enabled": {"type": "boolean"},
        }});
        let page = format!("# Page\n{line}\n");
        unknown(&[(PathBuf::from("docs/a.md"), page)].into(), &schema)
    }

    #[test]
    fn values_that_the_chart_has_pass_and_so_does_what_is_no_value() {
        for line in [
            "set `app.name: x`, or `--set app.name=x,app.resources.limits.memory=1Gi`.",
            "It is enabled. The label app.kubernetes.io/name and the file app.yaml/x stay.",
            "{{ .Values.app.nothing }} other.name",
        ] {
            assert_eq!(found(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn a_value_that_is_gone_is_named_with_its_place() {
        for line in [
            "set `app.nmae: x`",
            "$ helm install x --set app.nmae=x",
            "(app.nmae).",
        ] {
            assert_eq!(
                found(line),
                ["docs/a.md:2: the chart has no value app.nmae: see values.yaml"]
            );
        }
    }
}
