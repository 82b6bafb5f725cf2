use super::*;
use crate::error::{Error, ErrorCode, Result};
use crate::monitoring::profile::{Kind as ProfileKind, Profile};
use std::fmt::Write;

const SCORED: (&str, &str) = (
    r#"{"inputs":[{"name":"x","dtype":"float32","shape":["n",2],"columns":["age","income"]}]}"#,
    r#"{"outputs":[{"name":"label","dtype":"int64","shape":["n"],"role":"label"},
        {"name":"p","type":"seq(map(int64,tensor(float32)))"}]}"#,
);
const SCALARS: (&str, &str) = (
    r#"{"inputs":[{"name":"age","dtype":"int64","shape":["n",1]},{"name":"city","dtype":"string","shape":["n",1]}]}"#,
    r#"{"outputs":[{"name":"y","dtype":"float32","shape":["n",1]}]}"#,
);
const FREE: (&str, &str) = (r#"{"inputs":[{"name":"x","dtype":"float64","shape":["n",-1]}]}"#, r#"{"outputs":[]}"#);
const CSV: Format = Format::Csv { delimiter: b',' };

/// Keeps labels beside the profile, as whoever fits something on labelled rows does.
#[derive(Default)]
struct Seen(Vec<(f64, Option<String>)>);

impl RowSink for Seen {
    fn take(&mut self, _: &[Column], block: &RowBlock) -> Result<()> {
        let Some(Values::Numbers(numbers)) = block.values.first() else { return Ok(()) };
        for (row, number) in numbers.iter().enumerate() {
            let label = block.labels.as_ref().and_then(|labels| labels.get(row));
            self.0.push((*number, label.map(str::to_owned)));
        }
        Ok(())
    }
}

type Read = (Profile, Seen, Summary, Profile);

/// Reads a file that comes in pieces of so many bytes.
fn read_in(step: usize, schema: (&str, &str), format: Format, label: Option<&str>, file: &[u8]) -> Result<Read> {
    let schema = Schema::parse(schema.0, schema.1, 256)?;
    let source = Source { schema, label: label.map(str::to_owned) };
    let mut reader = Reader::new(source, format, (ProfiledRows::default(), Seen::default()))?;
    file.chunks(step).try_for_each(|bytes| reader.push(bytes))?;
    let ((ProfiledRows { profile, labels }, seen), summary) = reader.finish()?;
    Ok((profile, seen, summary, labels))
}

fn read(schema: (&str, &str), format: Format, file: &str) -> Result<Read> {
    read_in(7, schema, format, None, file.as_bytes())
}

fn refusal(schema: (&str, &str), format: Format, file: &str) -> Error {
    match read(schema, format, file) {
        Ok(_) => panic!("it was read: {}", file.chars().take(100).collect::<String>()),
        Err(problem) => problem,
    }
}

#[test]
fn the_same_rows_are_the_same_profile_in_every_format() {
    let csv = "age,income,label\r\n30,1.1,yes\r\n40,,no\r\n50,3.3,yes";
    let lines = "{\"age\":30,\"income\":1.1,\"label\":\"yes\"}\n\n{\"age\":40,\"income\":null,\"label\":\"no\"}\n\
                 {\"income\":3.3,\"age\":50,\"label\":\"yes\"}";
    let list = format!("[{}]", lines.replace("\n\n", "\n").replace('\n', ","));
    let inputs =
        "{\"x\":[30,1.1],\"label\":\"yes\"}\n{\"x\":[40,null],\"label\":\"no\"}\n{\"x\":[50,3.3],\"label\":\"yes\"}";
    let (expected, Seen(rows), summary, labels) = read(SCORED, CSV, csv).unwrap();
    assert_eq!((expected.rows, summary.rows, summary.has_labels), (3, 3, true));
    let ProfileKind::Number(income) = &expected.columns["income"].kind else { panic!("no numbers") };
    assert_eq!((income.count(), income.min(), expected.columns["income"].missing), (2, Some(f64::from(1.1f32)), 1));
    assert_eq!(rows[1], (40.0, Some("no".to_owned())));
    assert_eq!(labels.columns[""].values(), 3);
    for (format, file) in [(Format::Lines, lines), (Format::Json, &list), (Format::Lines, inputs)] {
        for step in [1, 1000] {
            let (profile, Seen(other), ..) = read_in(step, SCORED, format, None, file.as_bytes()).unwrap();
            assert_eq!(profile.to_bytes().unwrap(), expected.to_bytes().unwrap(), "{file}");
            assert_eq!(other, rows);
        }
    }
    let marked = format!("\u{feff}{csv}\n");
    for step in [1, 2, 5, 1000] {
        let (profile, ..) = read_in(step, SCORED, CSV, None, marked.as_bytes()).unwrap();
        assert_eq!(profile.to_bytes().unwrap(), expected.to_bytes().unwrap());
    }
    let tabs = csv.replace(',', "\t");
    let (profile, ..) = read(SCORED, Format::Csv { delimiter: b'\t' }, &tabs).unwrap();
    assert_eq!(profile.to_bytes().unwrap(), expected.to_bytes().unwrap());
}

#[test]
fn columns_are_those_of_predictions() {
    let (profile, _, summary, _) =
        read(SCORED, CSV, "0,x[1],output.label,output.p[0],output.p[1],id\n1,2,3,0.25,0.75,a\n").unwrap();
    let names: Vec<&str> = profile.columns.keys().map(String::as_str).collect();
    assert_eq!(names, ["age", "income", "output.label", "output.p[0]", "output.p[1]"]);
    assert!(matches!(profile.columns["output.label"].kind, ProfileKind::Strings(_)));
    assert_eq!(summary.ignored, ["id"]);
    let (profile, ..) = read(SCALARS, CSV, "city,age\n\"a, \"\"b\"\"\",7.0\n,\n").unwrap();
    let ProfileKind::Strings(cities) = &profile.columns["city"].kind else { panic!("no strings") };
    assert_eq!(cities.counts()[0].0, "a, \"b\"");
    assert_eq!((profile.columns["city"].missing, profile.columns["age"].missing), (1, 1));
    let (profile, ..) = read(FREE, CSV, "x[0],x[1],x[2]\n1,2,3\n").unwrap();
    assert_eq!(profile.columns.len(), 3);
    let (profile, ..) = read(FREE, Format::Lines, "{\"x\":[1]}\n{\"x\":[2]}").unwrap();
    assert_eq!(profile.columns.keys().collect::<Vec<_>>(), ["x"]);
    let (profile, ..) = read(SCORED, Format::Json, "[[1,2],[3,4]]").unwrap();
    assert_eq!(profile.columns.keys().collect::<Vec<_>>(), ["age", "income"]);
}

#[test]
fn a_tensor_of_many_columns_is_a_vector() {
    let wide = (r#"{"inputs":[{"name":"x","dtype":"float32","shape":["n",300]}]}"#, r#"{"outputs":[]}"#);
    let header: Vec<String> = (0..300).map(|at| format!("x[{at}]")).collect();
    let file = format!("{}\n{}1\n", header.join(","), "1,".repeat(299));
    let (profile, ..) = read(wide, CSV, &file).unwrap();
    let ProfileKind::Vectors(vectors) = &profile.columns["x"].kind else { panic!("no vectors") };
    assert_eq!((vectors.count(), vectors.dimensions()), (1, Some(300)));
    let rows = format!("{{\"x\":[{}1]}}\n{{\"x\":null}}", "1,".repeat(299));
    let (profile, ..) = read(wide, Format::Lines, &rows).unwrap();
    let ProfileKind::Vectors(other) = &profile.columns["x"].kind else { panic!("no vectors") };
    assert_eq!((other.norms().max(), profile.columns["x"].missing), (vectors.norms().max(), 1));
    let short = refusal(wide, CSV, "x[0],x[1]\n1,2\n");
    assert_eq!(short.code, ErrorCode::SchemaMismatch);
}

#[test]
fn what_does_not_fit_is_told_by_row_and_column() {
    for (schema, format, file, code, message) in [
        (SCORED, CSV, "", ErrorCode::InvalidRequest, "the file is empty"),
        (SCORED, CSV, "\n\n", ErrorCode::InvalidRequest, "the file is empty"),
        (SCORED, CSV, "age,income\n", ErrorCode::InvalidRequest, "there are no rows"),
        (SCORED, CSV, "age\n1\n", ErrorCode::SchemaMismatch, "there is no column \"income\""),
        (SCORED, CSV, "a;b\n1;2\n", ErrorCode::SchemaMismatch, "there is no column \"age\", \"income\""),
        (SCORED, CSV, "age,age,income\n1,2,3\n", ErrorCode::InvalidRequest, "\"age\" is given twice"),
        (
            SCORED,
            CSV,
            "age,income\n1,2\n3,x\n",
            ErrorCode::InvalidInput,
            "row 2, column \"income\": \"x\" is no float32",
        ),
        (SCORED, CSV, "age,income\n1,\0\n", ErrorCode::InvalidInput, "row 1, column \"income\": \"\\0\" is no float32"),
        (SCORED, CSV, "age,income\n1,2\n3\n", ErrorCode::InvalidRequest, "row 2 has 1 cells, the header has 2"),
        (SCORED, CSV, "age,income\n1,\"2\n3,4\n", ErrorCode::InvalidRequest, "row 1 has a quote that is never closed"),
        (SCORED, CSV, "age,\"income\n", ErrorCode::InvalidRequest, "the header has a quote that is never closed"),
        (SCALARS, CSV, "age,city\n1.5,x\n", ErrorCode::InvalidInput, "row 1, column \"age\": \"1.5\" is no int64"),
        (SCALARS, Format::Lines, "{\"age\":1,\"city\":2}", ErrorCode::InvalidInput, "column \"city\": 2 is no text"),
        (SCALARS, Format::Lines, "{\"age\":\"1\",\"city\":\"\"}", ErrorCode::InvalidInput, "\"1\" is no int64"),
        (SCALARS, Format::Lines, "{\"age\":1,\"city\":\"\"}\n{\"age\":[1]}", ErrorCode::InvalidInput, "a list"),
        (SCALARS, Format::Lines, "{\"age\":1,\"city\":\"\"}\n{\"age\":1,\"age\":2}", ErrorCode::InvalidJson, "twice"),
        (
            SCALARS,
            Format::Lines,
            "{\"age\":1,\"city\":\"\"}\n{\"output.y\":2}",
            ErrorCode::InvalidInput,
            "first row has not",
        ),
        (SCALARS, Format::Lines, "{\"age\":1,\"city\":\"\"}\n[1]", ErrorCode::InvalidInput, "row 2 is no object"),
        (SCALARS, Format::Lines, "{\"age\":1", ErrorCode::InvalidJson, "row 1 is no JSON object"),
        (SCALARS, Format::Json, "{\"age\":1}", ErrorCode::InvalidJson, "must be a JSON list"),
        (SCALARS, Format::Json, "[{\"age\":1,\"city\":\"\"}", ErrorCode::InvalidJson, "must be a JSON list"),
        (SCALARS, Format::Json, "[]", ErrorCode::InvalidRequest, "there are no rows"),
        (SCORED, Format::Lines, "{\"x\":[1,2,3]}", ErrorCode::SchemaMismatch, "has 2 columns in the model and 3 here"),
        (SCORED, Format::Lines, "{\"x\":[1,2]}\n{\"x\":[1]}", ErrorCode::InvalidInput, "a list is no list of 2"),
        (FREE, CSV, "x[0],x[2]\n1,2\n", ErrorCode::SchemaMismatch, "there is no column \"x[1]\""),
    ] {
        let problem = refusal(schema, format, file);
        assert_eq!(problem.code, code, "{file}: {problem}");
        assert!(problem.message.contains(message), "{file}: {problem}");
    }
    let named = read_in(9, SCORED, CSV, Some("truth"), b"age,income\n1,2\n").err().unwrap();
    assert!(named.message.contains("no column \"truth\""), "{named}");
    let own = read_in(9, SCORED, CSV, Some("age"), b"age,income\n1,2\n").err().unwrap();
    assert!(own.message.contains("is one of the model"), "{own}");
}

#[test]
fn hostile_files_take_bounded_memory() {
    let endless = |start: &str, rest: &str| {
        let source = Source { schema: Schema::parse(SCORED.0, SCORED.1, 256).unwrap(), label: None };
        let format = if start.starts_with('[') { Format::Json } else { CSV };
        let mut reader = Reader::new(source, format, ProfiledRows::default()).unwrap();
        reader.push(start.as_bytes()).unwrap();
        let piece = rest.repeat((64 << 10) / rest.len());
        (0..1000).find_map(|_| reader.push(piece.as_bytes()).err()).expect("it is refused in the end")
    };
    for (start, rest) in [
        ("age,income\n\"", "1,2\n"),
        ("age,income\n", "1"),
        ("", "a"),
        ("", "age,"),
        ("age,income\n", ","),
        ("[{\"age\":1,", "\"x\":1,"),
        ("[", "["),
    ] {
        let problem = endless(start, rest);
        assert_eq!(problem.code, ErrorCode::TooLarge, "{start}{rest}: {problem}");
    }
    let (nothing, ..) = read(SCORED, CSV, "age,income\nNaN,1\n,2\n").unwrap();
    assert_eq!((nothing.columns["age"].missing, nothing.columns["age"].values()), (2, 2));
    let mut many = "age,city\n".to_owned();
    (0..200_000).for_each(|at| writeln!(many, "{at},city {at}").unwrap());
    let (profile, ..) = read_in(1 << 16, SCALARS, CSV, None, many.as_bytes()).unwrap();
    let ProfileKind::Strings(cities) = &profile.columns["city"].kind else { panic!("no strings") };
    assert!(cities.count() == 200_000 && cities.count_error() > 0 && cities.distinct().estimate > 190_000.0);
    assert!(profile.to_bytes().unwrap().len() < 1 << 20);
}

/// Someone who takes rows may refuse them.
#[test]
fn errors_of_a_sink_end_the_reading() {
    struct Refusing;
    impl RowSink for Refusing {
        fn take(&mut self, _: &[Column], _: &RowBlock) -> Result<()> {
            Err(Error::new(ErrorCode::InvalidInput, "these rows"))
        }
    }
    let source = Source { schema: Schema::parse(SCORED.0, SCORED.1, 256).unwrap(), label: None };
    let mut reader = Reader::new(source, CSV, Refusing).unwrap();
    reader.push(b"age,income\n").unwrap();
    let piece = "1,2\n".repeat(100_000);
    let refused = (0..100).find_map(|_| reader.push(piece.as_bytes()).err()).unwrap();
    assert_eq!(refused.message, "these rows");
}
