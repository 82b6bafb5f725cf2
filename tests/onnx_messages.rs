//! The messages of ONNX's file format are those that ONNX publishes, and none of their fields is lost.
//!
//! To take over a newer definition, put the `onnx-ml.proto` of an ONNX release in the place of the present one and run
//! `EDGE_AI_UPDATE=1 cargo test --release --test onnx_messages`.

use harper_edge_ai::onnx::proto::ModelProto;
use prost::Message;
use prost_build::{Config, Module};
use protox::prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Value,
};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/onnx/proto")
}

fn generated() -> String {
    let definition = protox::compile(["onnx-ml.proto"], [folder()]).unwrap().file.remove(0);
    let module = Module::from_protobuf_package_name(definition.package());
    // The comments are in the definition.
    let made = Config::new().bytes(["."]).disable_comments(["."]).generate(vec![(module.clone(), definition)]).unwrap();
    made[&module].clone()
}

#[test]
fn the_messages_are_those_of_the_published_definition() {
    let place = folder().join("generated.rs");
    let made = generated();
    if std::env::var_os("EDGE_AI_UPDATE").is_some() {
        std::fs::write(&place, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&place).unwrap().replace("\r\n", "\n");
    assert!(committed == made, "{} is not what onnx-ml.proto gives", place.display());
}

/// Fills messages with a value in each field.
#[derive(Default)]
struct Filled {
    /// Of the fields that exclude each other the place of the one that is set, by the name of their group.
    choices: HashMap<String, usize>,
    fields: BTreeSet<String>,
}

/// A message holds so many of its own kind within each other.
const MAX_DEPTH: usize = 2;

impl Filled {
    fn message(&mut self, kind: &MessageDescriptor, around: &[String]) -> DynamicMessage {
        let mut made = DynamicMessage::new(kind.clone());
        let around = [around, &[kind.full_name().to_owned()]].concat();
        let chosen: Vec<FieldDescriptor> = kind.oneofs().filter_map(|group| self.chosen(&group)).collect();
        let plain = kind.fields().filter(|field| field.containing_oneof().is_none());
        for field in plain.chain(chosen) {
            let Some(value) = self.value(&field, &around) else { continue };
            self.fields.insert(field.full_name().to_owned());
            made.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
        }
        made
    }

    fn chosen(&self, group: &OneofDescriptor) -> Option<FieldDescriptor> {
        group.fields().nth(self.choices[group.full_name()])
    }

    fn value(&mut self, field: &FieldDescriptor, around: &[String]) -> Option<Value> {
        let number = field.number();
        Some(match field.kind() {
            Kind::Int32 => Value::I32(number as i32),
            Kind::Int64 => Value::I64(i64::from(number)),
            Kind::Uint64 => Value::U64(u64::from(number)),
            Kind::Float => Value::F32(number as f32),
            Kind::Double => Value::F64(f64::from(number)),
            Kind::String => Value::String(field.name().to_owned()),
            Kind::Bytes => Value::Bytes(field.name().to_owned().into()),
            Kind::Enum(kind) => Value::EnumNumber(kind.values().last()?.number()),
            Kind::Message(kind) => {
                let depth = around.iter().filter(|name| *name == kind.full_name()).count();
                (depth < MAX_DEPTH).then(|| Value::Message(self.message(&kind, around)))?
            }
            other => panic!("{} is {other:?}", field.full_name()),
        })
    }
}

#[test]
fn every_field_of_every_message_survives() {
    let definition = protox::compile(["onnx-ml.proto"], [folder()]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(definition).unwrap();
    let model = pool.get_message_by_name("onnx.ModelProto").unwrap();
    let groups: Vec<OneofDescriptor> = pool.all_messages().flat_map(|kind| kind.oneofs().collect::<Vec<_>>()).collect();
    let mut filled = Filled::default();
    for combination in 0..groups.iter().map(|group| group.fields().count()).product() {
        let mut left: usize = combination;
        for group in &groups {
            let count = group.fields().count();
            filled.choices.insert(group.full_name().to_owned(), left % count);
            left /= count;
        }
        let whole = filled.message(&model, &[]);
        let decoded = ModelProto::decode(whole.encode_to_vec().as_slice()).unwrap();
        let again = DynamicMessage::decode(model.clone(), decoded.encode_to_vec().as_slice()).unwrap();
        assert!(again == whole, "a field is lost with {:?}", filled.choices);
    }
    let all = pool.all_messages().flat_map(|kind| kind.fields().collect::<Vec<_>>());
    let all: BTreeSet<String> = all.map(|field| field.full_name().to_owned()).collect();
    assert_eq!(all.difference(&filled.fields).collect::<Vec<_>>(), Vec::<&String>::new());
}
