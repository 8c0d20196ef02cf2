//! A page as a tree, built as browsers build it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use html5ever::interface::{ElementFlags, ExpandedName, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, LocalName, Namespace, QualName};

pub(super) struct Html {
    nodes: Vec<Node>,
}

struct Node {
    parent: Option<usize>,
    children: Vec<usize>,
    kind: Kind,
}

enum Kind {
    /// With its attributes; names are in lower case.
    Element(Rc<QualName>, Vec<(LocalName, String)>),
    Text(String),
    Other,
}

impl Html {
    pub(super) fn parse(text: &str) -> Self {
        let sink = Builder::default();
        sink.add(Kind::Other);
        html5ever::parse_document(sink, html5ever::ParseOpts::default()).one(text)
    }

    /// All elements, in the order of the page.
    pub(super) fn elements(&self) -> impl Iterator<Item = usize> {
        self.within(0)
    }

    /// The elements in an element, at any depth, in the order of the page.
    pub(super) fn within(&self, root: usize) -> impl Iterator<Item = usize> {
        let mut open: Vec<usize> = self.nodes[root].children.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            loop {
                let next = open.pop()?;
                open.extend(self.nodes[next].children.iter().rev());
                if self.is_element(next) {
                    return Some(next);
                }
            }
        })
    }

    pub(super) fn parent(&self, element: usize) -> Option<usize> {
        self.nodes[element].parent.filter(|parent| self.is_element(*parent))
    }

    /// Its parent's elements, itself among them.
    pub(super) fn siblings(&self, element: usize) -> impl DoubleEndedIterator<Item = usize> {
        let children = self.nodes[element].parent.map_or(&[][..], |parent| &self.nodes[parent].children);
        children.iter().copied().filter(|child| self.is_element(*child))
    }

    pub(super) fn name(&self, element: usize) -> &str {
        match &self.nodes[element].kind {
            Kind::Element(name, _) => &name.local,
            _ => "",
        }
    }

    pub(super) fn attribute(&self, element: usize, name: &str) -> Option<&str> {
        match &self.nodes[element].kind {
            Kind::Element(_, attributes) => attributes.iter().find(|(own, _)| **own == *name).map(|(_, value)| &**value),
            _ => None,
        }
    }

    /// All texts in it.
    pub(super) fn text(&self, element: usize) -> String {
        let mut text = String::new();
        let mut open = vec![element];
        while let Some(node) = open.pop() {
            if let Kind::Text(part) = &self.nodes[node].kind {
                text.push_str(part);
            }
            open.extend(self.nodes[node].children.iter().rev());
        }
        text
    }

    pub(super) fn is_empty(&self, element: usize) -> bool {
        let counts = |child: &usize| !matches!(self.nodes[*child].kind, Kind::Other);
        !self.nodes[element].children.iter().any(counts)
    }

    fn is_element(&self, node: usize) -> bool {
        matches!(self.nodes[node].kind, Kind::Element(..))
    }
}

/// Takes the parser's orders.
#[derive(Default)]
struct Builder {
    nodes: RefCell<Vec<Node>>,
}

/// A node, and its name for the parser's questions.
#[derive(Clone)]
struct Handle {
    id: usize,
    name: Rc<QualName>,
}

impl Builder {
    fn add(&self, kind: Kind) -> Handle {
        let name = match &kind {
            Kind::Element(name, _) => name.clone(),
            _ => Rc::new(QualName::new(None, Namespace::default(), LocalName::default())),
        };
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { parent: None, children: Vec::new(), kind });
        Handle { id: nodes.len() - 1, name }
    }

    /// Puts a child at a place among its parent's children, joining texts that meet.
    fn insert(&self, parent: usize, at: usize, child: NodeOrText<Handle>) {
        let child = match child {
            NodeOrText::AppendNode(node) => node.id,
            NodeOrText::AppendText(text) => {
                if self.join(parent, at, &text) {
                    return;
                }
                self.add(Kind::Text(text.to_string())).id
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        nodes[child].parent = Some(parent);
        let at = at.min(nodes[parent].children.len());
        nodes[parent].children.insert(at, child);
    }

    fn join(&self, parent: usize, at: usize, text: &str) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let before = at.checked_sub(1).and_then(|before| nodes[parent].children.get(before)).copied();
        match before.map(|before| &mut nodes[before].kind) {
            Some(Kind::Text(old)) => {
                old.push_str(text);
                true
            }
            _ => false,
        }
    }

    fn detach(&self, node: usize) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[node].parent.take() {
            nodes[parent].children.retain(|child| *child != node);
        }
    }
}

impl TreeSink for Builder {
    type Handle = Handle;
    type Output = Html;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Html {
        Html { nodes: self.nodes.into_inner() }
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: 0, name: Rc::new(QualName::new(None, Namespace::default(), LocalName::default())) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _flags: ElementFlags) -> Handle {
        let attributes = attributes.into_iter().map(|attribute| (attribute.name.local, attribute.value.to_string()));
        self.add(Kind::Element(Rc::new(name), attributes.collect()))
    }

    fn create_comment(&self, _text: StrTendril) -> Handle {
        self.add(Kind::Other)
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Handle {
        self.add(Kind::Other)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        let end = self.nodes.borrow()[parent.id].children.len();
        self.insert(parent.id, end, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        if self.nodes.borrow()[element.id].parent.is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public: StrTendril, _system: StrTendril) {}

    /// What is in a template is found as if it stood in the page.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(node) = &child {
            self.detach(node.id);
        }
        let place = {
            let nodes = self.nodes.borrow();
            let parent = nodes[sibling.id].parent;
            parent.map(|parent| (parent, nodes[parent].children.iter().position(|child| *child == sibling.id)))
        };
        if let Some((parent, Some(at))) = place {
            self.insert(parent, at, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        if let Kind::Element(_, own) = &mut self.nodes.borrow_mut()[target.id].kind {
            for attribute in attributes {
                if !own.iter().any(|(name, _)| *name == attribute.name.local) {
                    own.push((attribute.name.local, attribute.value.to_string()));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[node.id].children);
        for child in &children {
            nodes[*child].parent = Some(new_parent.id);
        }
        nodes[new_parent.id].children.extend(children);
    }
}
