//! What a whole value is made of, found in one pass.

use super::encoded::{Encoded, Items, MAX_PARTS};
use super::item::Item;
use std::collections::HashSet;

impl Encoded {
    /// Refuses objects, at any depth, that have a name twice or too many names.
    ///
    /// # Errors
    /// A sentence that has the name.
    pub fn check_names(&self) -> Result<(), String> {
        let mut items = self.items();
        // The names of each open object; `None` for a list.
        let mut open: Vec<Option<HashSet<String>>> = Vec::new();
        loop {
            let item = match open.last_mut() {
                None => items.item()?,
                Some(None) => match items.number()? {
                    Some(_) => continue,
                    None => items.item()?,
                },
                Some(Some(names)) => match items.item()? {
                    Item::Text(name) if names.len() == MAX_PARTS && !names.contains(&*name) => {
                        return Err(format!("an object may have at most {MAX_PARTS} fields"));
                    }
                    Item::Text(name) => {
                        if let Some(name) = names.replace(name.into_owned()) {
                            return Err(format!("the field \"{}\" is given twice", shortened(&name)));
                        }
                        items.item()?
                    }
                    end => end,
                },
            };
            match item {
                Item::Map => open.push(Some(HashSet::new())),
                Item::List => open.push(None),
                Item::End => drop(open.pop()),
                _ => {}
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// The sizes of nested lists, by the first list of each depth; none for what is no list.
    ///
    /// # Errors
    /// A sentence when a number does not fit.
    pub fn sizes(&self) -> Result<Vec<usize>, String> {
        let mut items = self.items();
        let mut sizes = Vec::new();
        if items.item()? == Item::List {
            read_sizes(&mut items, &mut sizes)?;
        }
        Ok(sizes)
    }
}

/// Adds the size of the list that has just begun, and those of what begins with it.
fn read_sizes(items: &mut Items<'_>, sizes: &mut Vec<usize>) -> Result<(), String> {
    let at = sizes.len();
    sizes.push(0);
    match items.item()? {
        Item::End => return Ok(()),
        Item::List => read_sizes(items, sizes)?,
        Item::Map => while items.value()?.is_some() {},
        _ => {}
    }
    sizes[at] = 1;
    while items.value()?.is_some() {
        sizes[at] += 1;
    }
    Ok(())
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::format::Format;
    use crate::format::item::MAX_DEPTH;
    use bytes::Bytes;

    fn nested(depth: usize, padding: &str) -> String {
        format!("{}{padding}1{padding}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn bodies_nest_to_a_limit() {
        for padding in ["", " ", "                                                      ", "\"[[[[\",1,"] {
            let text = |depth| nested(depth, padding).replace("1\"", "1,\"").replace("1,]", "1]");
            Encoded::json(&text(MAX_DEPTH)).unwrap();
            let problem = Encoded::json(&text(MAX_DEPTH + 1)).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InvalidRequest, "{problem}");
            assert!(problem.message.contains("64 deep"), "{problem}");
        }
        let wide = format!("[{}]", vec![nested(MAX_DEPTH - 1, ""); 50].join(","));
        Encoded::json(&wide).unwrap();
        let objects = format!("{}1{}", "{\"a\":".repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1));
        assert!(Encoded::json(&objects).unwrap_err().message.contains("64 deep"));
        let lists = |depth: usize| [vec![0x81; depth], vec![1]].concat();
        Encoded::parse(Format::Cbor, Bytes::from(lists(MAX_DEPTH))).unwrap();
        assert!(
            Encoded::parse(Format::Cbor, Bytes::from(lists(MAX_DEPTH + 1))).unwrap_err().message.contains("64 deep")
        );
        let lists = |depth: usize| [vec![0x91; depth], vec![1]].concat();
        Encoded::parse(Format::MessagePack, Bytes::from(lists(MAX_DEPTH))).unwrap();
        assert!(Encoded::parse(Format::MessagePack, Bytes::from(lists(MAX_DEPTH + 1))).is_err());
    }

    #[test]
    fn names_are_given_once_in_each_object() {
        for text in ["1", "[]", "{}", r#"{"a":{"a":[{"a":1},{"a":2}]},"b":"a","c":["a","a"]}"#, r#"[[1,2],{"a":null}]"#]
        {
            assert_eq!(Encoded::json(text).unwrap().check_names(), Ok(()), "{text}");
        }
        for text in [r#"{"a":1,"a":2}"#, r#"[{"b":{"a":1,"\u0061":{}}}]"#, r#"{"x":[1,{"a":[],"b":2,"a":3}]}"#] {
            let problem = Encoded::json(text).unwrap().check_names().unwrap_err();
            assert_eq!(problem, "the field \"a\" is given twice", "{text}");
        }
        let many = (0..=MAX_PARTS).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(",");
        assert!(Encoded::json(&format!("{{{many}}}")).unwrap().check_names().unwrap_err().contains("at most"));
    }

    #[test]
    fn sizes_are_those_of_the_first_lists() {
        for (text, sizes) in [
            ("[[[1,2],[3,4],[5,6]]]", vec![1, 3, 2]),
            ("[[],[1]]", vec![2, 0]),
            ("[]", vec![0]),
            ("5", vec![]),
            (r#"{"a":[1]}"#, vec![]),
            (r#"[{"a":[1,{}]},2,[3]]"#, vec![3]),
            (r#"["[",["]"]]"#, vec![2]),
        ] {
            assert_eq!(Encoded::json(text).unwrap().sizes().unwrap(), sizes, "{text}");
        }
    }
}
