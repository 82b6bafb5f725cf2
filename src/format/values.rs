//! The values of a list one by one, of which there may be any number.

use super::encoded::Encoded;
use super::item::Item;

/// What is left of a list. Nothing is kept for a value before it is taken.
#[derive(Debug)]
pub struct Values {
    list: Encoded,
    /// Where the next value begins, with what separates it from the last one.
    at: usize,
    left: usize,
}

impl Encoded {
    /// # Errors
    /// A sentence when it is no list.
    pub fn values(&self) -> Result<Values, String> {
        let mut items = self.items();
        match items.item()? {
            Item::List => {}
            other => return Err(format!("expected a list, received {}", other.kind())),
        }
        let mut at = 0;
        let mut left = 0;
        while let Some(value) = items.value()? {
            if left == 0 {
                at = self.place_of(value);
            }
            left += 1;
        }
        Ok(Values { list: self.clone(), at, left })
    }

    /// Where a part of it begins.
    fn place_of(&self, part: &[u8]) -> usize {
        part.as_ptr().addr() - self.bytes().as_ptr().addr()
    }
}

impl Values {
    /// The next value; `None` at the end.
    ///
    /// # Errors
    /// None for the list of a body that was read as a whole.
    pub fn take(&mut self) -> Result<Option<Encoded>, String> {
        if self.left == 0 {
            return Ok(None);
        }
        let value = self.list.items_from(self.at).value()?.ok_or("a list ends early")?;
        self.at = self.list.place_of(value) + value.len();
        self.left -= 1;
        Ok(Some(self.list.part(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use bytes::Bytes;

    fn taken(format: Format, body: &[u8]) -> Vec<String> {
        let mut values = Encoded::parse(format, Bytes::copy_from_slice(body)).unwrap().values().unwrap();
        let mut texts = Vec::new();
        while let Some(value) = values.take().unwrap() {
            texts.push(value.to_json());
        }
        assert!(values.take().unwrap().is_none());
        texts
    }

    #[test]
    fn values_are_taken_as_they_stand() {
        let expected = ["1", r#"{"a":[2,[]]}"#, "[]", r#""x,y""#];
        assert_eq!(taken(Format::Json, br#"[ 1 , {"a":[2,[]]},[], "x,y" ]"#), expected);
        let in_cbor = b"\x01\xA1\x61a\x82\x02\x80\x9F\xFF\x63x,y";
        let framed: [(&[u8], &[u8]); 3] = [(b"\x84", b""), (b"\x9F", b"\xFF"), (b"\xD9\xD9\xF7\x84", b"")];
        for (head, end) in framed {
            assert_eq!(taken(Format::Cbor, &[head, in_cbor, end].concat()), expected);
        }
        assert_eq!(taken(Format::MessagePack, b"\x94\x01\x81\xA1a\x92\x02\x90\x90\xA3x,y"), expected);
        assert!(taken(Format::Cbor, b"\x80").is_empty());
        assert!(taken(Format::Json, b"[ ]").is_empty());
    }

    #[test]
    fn a_list_may_be_longer_than_one_whose_parts_are_kept() {
        assert_eq!(taken(Format::MessagePack, &[&b"\xDD\x00\x03\x0D\x40"[..], &[0; 200_000]].concat()).len(), 200_000);
    }

    #[test]
    fn what_is_no_list_has_no_values() {
        // The second is a typed array of two bytes.
        for body in [&b"\xA0"[..], b"\xD8\x40\x42\x01\x02", b"\xF6"] {
            let value = Encoded::parse(Format::Cbor, Bytes::copy_from_slice(body)).unwrap();
            assert!(value.values().unwrap_err().starts_with("expected a list"), "{body:?}");
        }
    }
}
