//! The table, as text and as JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::sample::Rounds;

/// What a figure is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    PerSecond,
    Mebibytes,
}

impl Unit {
    fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Mebibytes => "MiB",
        }
    }
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    unit: Unit,
    floor: Rounds,
    product: Rounds,
}

/// All figures so far, in the order in which they were first measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a round's figure of the bare client.
    pub(crate) fn floor(&mut self, name: &'static str, unit: Unit, figure: f64) {
        self.row(name, unit).floor.push(figure);
    }

    /// Adds a round's figure of the product.
    pub(crate) fn product(&mut self, name: &'static str, unit: Unit, figure: f64) {
        self.row(name, unit).product.push(figure);
    }

    fn row(&mut self, name: &'static str, unit: Unit) -> &mut Row {
        let found = self.rows.iter().position(|row| row.name == name);
        let index = found.unwrap_or(self.rows.len());
        if found.is_none() {
            self.rows.push(Row {
                name,
                unit,
                floor: Rounds::default(),
                product: Rounds::default(),
            });
        }
        #[expect(clippy::indexing_slicing, reason = "it was found or pushed just now")]
        &mut self.rows[index]
    }

    /// The table, in GitHub's Markdown. Each figure is a median, with the least and the most.
    pub(crate) fn print(&self, baseline: Option<&Value>) {
        println!("| what | floor | product | ratio | before |");
        println!("| --- | --- | --- | --- | --- |");
        for row in &self.rows {
            let ratio = row.product.median() / row.floor.median();
            let ratio = if ratio.is_finite() {
                format!("{ratio:.2}")
            } else {
                String::new()
            };
            let before = baseline
                .and_then(|all| all.get(row.name))
                .and_then(|row| row.pointer("/product/median")?.as_f64());
            let before = before.map_or_else(String::new, |figure| format!("{figure:.1}"));
            println!(
                "| {}, {} | {} | {} | {ratio} | {before} |",
                row.name,
                row.unit.symbol(),
                cell(&row.floor),
                cell(&row.product),
            );
        }
    }

    /// The same as an object by name.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let figures = |rounds: &Rounds| json!({"median": rounds.median(), "least": rounds.least(), "most": rounds.most()});
        let rows = self.rows.iter().map(|row| {
            let value = json!({
                "unit": row.unit.symbol(),
                "floor": figures(&row.floor),
                "product": figures(&row.product),
            });
            (row.name.to_owned(), value)
        });
        let all = Value::Object(rows.collect());
        fs::write(path, format!("{all:#}\n")).with_context(|| format!("writing {}", path.display()))
    }
}

/// Reads what [`Report::write`] wrote.
pub(crate) fn baseline(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a report", path.display()))
}

fn cell(rounds: &Rounds) -> String {
    if rounds.median().is_finite() {
        let (least, median, most) = (rounds.least(), rounds.median(), rounds.most());
        format!("{median:.1} ({least:.1} to {most:.1})")
    } else {
        String::new()
    }
}
