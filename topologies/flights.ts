import { type Duration, days, json, stream, string, type Topology, topic, topology } from 'revlog'

/** A row of flights.csv: a departure as it was scheduled. */
export interface Flight {
  readonly id: string
  readonly origin: string
  /** Scheduled departure: milliseconds of the airport's clock. */
  readonly event_time: number
  readonly carrier: string
  readonly flight: number
  readonly dest: string
  /** Minutes; `NA` where the flight was cancelled. */
  readonly dep_delay: number | 'NA'
  readonly tailnum: string
}

/** A row of weather.csv: what an airport measured in an hour; `NA` where it measured nothing. */
export interface Weather {
  readonly origin: string
  readonly event_time: number
  /** Degrees Fahrenheit. */
  readonly temp: number | 'NA'
}

/** The weather at a flight's origin, as of its scheduled departure. */
export interface Departure {
  readonly id: string
  /** When that weather was measured; `null` before the first measurement. */
  readonly weatherTime: number | null
  readonly temp: number | null
}

export const flights = topic('flights', {
  key: string(),
  value: json<Flight>(),
  timestamp: (flight) => flight.event_time,
  keyOf: (flight) => flight.origin,
})

export const weather = topic('weather', {
  key: string(),
  value: json<Weather>(),
  timestamp: (hour) => hour.event_time,
  keyOf: (hour) => hour.origin,
})

export const departures = topic('departures', { key: string(), value: json<Departure>() })

/**
 * Each flight with the weather at its origin at its scheduled departure.
 *
 * @param gracePeriod how far either file is out of order. The sample of flights is in no order at all: a flight
 *   of January may follow one of December, so a year of grace keeps every answer open to the end.
 */
export function flightsAndWeather(gracePeriod: Duration): Topology {
  const departed = stream(flights).asOfJoin(stream(weather), {
    name: 'weather-at-departure',
    id: (flight) => flight.id,
    join: (flight, hour): Departure => ({
      id: flight.id,
      weatherTime: hour?.event_time ?? null,
      temp: hour === undefined || hour.temp === 'NA' ? null : hour.temp,
    }),
    gracePeriod,
  })
  return topology('flights', [departed.toStream().to(departures)])
}

export default flightsAndWeather(days(366))
