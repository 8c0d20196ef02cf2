//! What people see: the products, and the checkout, which places an order.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};
use serde::Serialize;
use tracing::{Span, error, instrument};

use crate::faults::{Fault, Faults};
use crate::flags::Flags;
use crate::orders::{NewOrder, Order, PRICES};
use crate::{Error, http, telemetry};

#[derive(Clone)]
struct Web {
    faults: Faults,
    client: reqwest::Client,
    orders: reqwest::Url,
    flags: Flags,
    checkouts: Counter<u64>,
}

/// The flag of a feature that has a mistake in it.
const GIFT_WRAP: &str = "gift-wrap";
/// There is no larger paper.
const WRAPPED_MAX: u32 = 1;

pub async fn run(listen: SocketAddr, orders: String, flags: Option<&str>) -> Result<(), Error> {
    let orders = reqwest::Url::parse(&orders)?.join("/orders")?;
    let telemetry = telemetry::start("web", env!("CARGO_PKG_VERSION"))?;
    let faults = Faults::new(&[Fault::Errors, Fault::Latency, Fault::Crash]);
    let client = http::client()?;
    let checkouts = global::meter("shop").u64_counter("shop.checkouts").with_unit("{checkout}").with_description("Checkouts, by outcome and feature.").build();
    let web = Web { faults: faults.clone(), flags: Flags::new(flags, client.clone())?, client, orders, checkouts };
    let people = Router::new()
        .route("/", get(async || "a small shop: GET /products, POST /checkout\n"))
        .route("/products", get(products))
        .route("/checkout", post(checkout))
        .with_state(web);
    let served = http::serve("web", listen, people, Router::new(), &faults).await;
    telemetry.shutdown();
    served
}

#[derive(Serialize)]
struct Product {
    item: &'static str,
    price: f64,
}

async fn products(State(web): State<Web>) -> Response {
    match load_products(&web).await {
        Ok(products) => Json(products).into_response(),
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

#[instrument(name = "load-products", skip_all, fields(otel.status_code, otel.status_description))]
async fn load_products(web: &Web) -> Result<Vec<Product>, &'static str> {
    web.faults.delay().await;
    if web.faults.strikes() {
        let error = "product cache: connection reset by peer";
        Span::current().record("otel.status_code", "ERROR").record("otel.status_description", error);
        error!("{error}");
        return Err(error);
    }
    Ok(PRICES.map(|(item, price)| Product { item, price }).into())
}

async fn checkout(State(web): State<Web>, Json(order): Json<NewOrder>) -> Response {
    if order.quantity == 0 || order.quantity > 100 {
        return failure(StatusCode::UNPROCESSABLE_ENTITY, "the quantity must be from 1 to 100");
    }
    if let Err(error) = load_products(&web).await {
        return failure(StatusCode::INTERNAL_SERVER_ERROR, error);
    }
    // Everybody who comes is somebody else.
    let gift_wrap = web.flags.on(GIFT_WRAP, &format!("{:016x}", fastrand::u64(..))).await;
    let placed = match gift_wrap && order.quantity > WRAPPED_MAX {
        true => Err(format!("{} of {} do not fit into the gift paper", order.quantity, order.item)),
        false => place(&web, &order).await,
    };
    let outcome = if placed.is_ok() { "placed" } else { "failed" };
    web.checkouts.add(1, &[KeyValue::new("outcome", outcome), KeyValue::new("gift_wrap", gift_wrap)]);
    match placed {
        Ok(order) => (StatusCode::CREATED, Json(order)).into_response(),
        Err(error) => {
            error!(error.message = %error, shop.item = %order.item, "checkout failed: {error}");
            failure(StatusCode::BAD_GATEWAY, "the order could not be placed")
        }
    }
}

async fn place(web: &Web, order: &NewOrder) -> Result<Order, String> {
    let request = web.client.post(web.orders.clone()).json(order).build().map_err(|error| error.to_string())?;
    let response = http::call(&web.client, request).await.map_err(|error| format!("orders cannot be reached: {error}"))?;
    let status = response.status();
    if !status.is_success() {
        let body = response.text().await.unwrap_or_default();
        return Err(format!("orders answered {status}: {}", body.chars().take(300).collect::<String>()));
    }
    response.json().await.map_err(|error| format!("orders answered what is no order: {error}"))
}

fn failure(status: StatusCode, message: &str) -> Response {
    (status, Json(serde_json::json!({"error": message}))).into_response()
}
